// The direction of imports: base <- systemd <- isolation <- supervisor -> (implements) proxy/upstreams.
// docs/architecture.md says why.
const only = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^(src|isolation|systemd)/', pathNot: to },
});

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    only('base-is-a-leaf', '^src/base/', '^src/base/', 'base imports nothing of ours'),
    only('systemd', '^systemd/', '^(systemd|src/base)/', 'systemd imports only base'),
    only(
      'isolation',
      '^isolation/',
      '^(isolation|systemd|src/base)/',
      'backends know nothing of HTTP, config or other instances',
    ),
    only('config', '^src/config/', '^src/(config|base)/', 'config imports only base'),
    only('state', '^src/state/', '^src/(state|base)/', 'state imports only base'),
    only('storage', '^src/storage/', '^src/(storage|base)/', 'storage imports only base'),
    only('logs', '^src/logs/', '^src/(logs|base)/', 'logs import only base'),
    only(
      'proxy',
      '^src/proxy/',
      '^src/(proxy|base)/',
      'the proxy never imports the supervisor: it asks proxy/upstreams',
    ),
    only(
      'supervisor',
      '^src/supervisor/',
      '^(src/(supervisor|base|config|state|logs)/|src/proxy/upstreams\\.ts|isolation/(index|contract)\\.ts)',
      'the supervisor sees backends only through the contract',
    ),
    only(
      'install',
      '^src/install/',
      '^src/(install|base|config)/|^systemd/units/|^isolation/(index|contract)\\.ts',
      'an installation decides by config and machine; it never talks to the daemon',
    ),
    only(
      'cli',
      '^src/cli/',
      '^src/(cli|api|config|base|state|storage|install)/|^src/(daemon|signals)\\.ts|^isolation/index\\.ts|^systemd/units/marker\\.ts',
      'the CLI talks to the daemon over its API',
    ),
    {
      name: 'isolation-front-door',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^isolation/', pathNot: '^isolation/(index|contract)\\.ts' },
    },
    {
      name: 'daemon-is-the-composition-root',
      severity: 'error',
      from: { path: '^(src|isolation|systemd)/', pathNot: '^src/cli/commands/serve\\.ts' },
      to: { path: '^src/daemon\\.ts' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
