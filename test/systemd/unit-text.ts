export interface TestUnit {
  /** From the project's root: `dist`, or a second build. */
  readonly build: string;
  /** Absolute path of the project. */
  readonly project: string;
  /** Where Node is in there. */
  readonly node: string;
  /** Programs that tests may not do without, besides those that every such system has. */
  readonly require: readonly string[];
  readonly only?: string | undefined;
  readonly shell: boolean;
}

/** The service that the container is booted for. It ends the container, and its exit code is the container's. */
export function unitText({ build, project, node, require, only, shell }: TestUnit): string {
  const ava = ['node_modules/ava/entrypoints/cli.mjs', ...(only === undefined ? [] : ['--match', only])];
  const command = shell ? ['/bin/bash', '-l'] : [node, ...ava];
  const variables = {
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LANG: 'C.UTF-8',
    TENEMENT_BUILD: build,
    TENEMENT_TESTS: 'test/systemd',
    TENEMENT_REQUIRE: ['setpriv', 'unshare', ...require].join(),
    ...(shell && { TERM: process.env.TERM ?? 'dumb' }),
  };
  return [
    '[Unit]',
    'Description=Tests of the project',
    'After=sysinit.target dbus.socket',
    'SuccessAction=exit',
    'FailureAction=exit',
    '[Service]',
    'Type=exec',
    'Delegate=yes',
    `WorkingDirectory=${escaped(project)}`,
    ...Object.entries(variables).map(([name, value]) => `Environment=${quote(`${name}=${value}`)}`),
    `ExecStart=:${command.map(quote).join(' ')}`,
    ...(shell
      ? ['StandardInput=tty-force', 'TTYPath=/dev/console', 'StandardOutput=inherit']
      : ['StandardOutput=append:/run/tenement-tests/output']),
    'StandardError=inherit',
    '',
  ].join('\n');
}

/** systemd.service(5), "Command lines"; `%` begins a specifier in every value. */
function quote(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\"')}"`;
}

function escaped(text: string): string {
  return text.replaceAll('%', '%%').replaceAll('\\', '\\\\');
}
