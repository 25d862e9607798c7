import test from 'ava';
import { type Jailed, nsjailConfig, nsjailLaunch, nsjailOptions } from '../../../isolation/nsjail-argv.js';

const jailed = (over: Partial<Jailed> = {}): Jailed => ({
  command: ['/usr/bin/python3', 'app.py'],
  env: { STRIPE_KEY: 'secret', LD_PRELOAD: '/tmp/evil.so', TENEMENT_RUN: 'r1' },
  directory: '/srv/app',
  home: '/data/notes/alice/home',
  groups: ['/cg/a/cgroup.procs'],
  limits: 'ulimit -n 100 || exit 1\n',
  identity: { uid: 1900000001, gid: 1900000002 },
  unprivileged: false,
  network: 'host',
  socket: false,
  hostname: 'alice-notes',
  system: {
    links: ['/bin'],
    targets: new Map([['/bin', 'usr/bin']]),
    directories: ['/usr'],
    files: [{ path: '/etc/resolv.conf', source: '/run/stub-resolv.conf' }],
    devices: ['/dev/null'],
  },
  views: [
    { path: '/srv/app', access: 'read', kind: 'directory' },
    { path: '/srv/app/data', access: 'hide', kind: 'directory' },
    { path: '/srv/app/tenement.toml', access: 'hide', kind: 'file' },
    { path: '/srv/app/data/notes/alice', access: 'write', kind: 'directory' },
  ],
  files: [{ path: '/etc/passwd', text: 'root:x:0:0:"é\\":/:/bin/sh\n' }],
  filter: { command: ['/usr/bin/perl', '-e', 'FILTER', '--'], env: { TENEMENT_FILTER: '00' } },
  tools: { nsjail: '/usr/bin/nsjail', unshare: '/usr/bin/unshare' },
  ...over,
});

const optionOf = (options: readonly string[], name: string): string | undefined =>
  options[options.indexOf(name) + 1];

test('none of the defaults that end a server is left', (t) => {
  const options = nsjailOptions(jailed());
  t.is(optionOf(options, '--time_limit'), '0');
  t.is(optionOf(options, '--nice_level'), '0');
  // Those of the shell before hold; `soft` for each would take the hard ones down to the soft ones.
  t.true(options.includes('--disable_rlimits'));
  t.deepEqual(
    options.filter((option) => option.startsWith('--rlimit')),
    [],
  );
  // What it does not say is set to its defaults when it is read: it comes before all.
  const { args } = nsjailLaunch(jailed());
  t.is(args[args.indexOf('/usr/bin/nsjail') + 1], '--config');
});

test('its user, and a user namespace only where the server is not root', (t) => {
  const options = nsjailOptions(jailed());
  t.is(optionOf(options, '--user'), '1900000001');
  t.is(optionOf(options, '--group'), '1900000002');
  t.true(options.includes('--disable_clone_newuser'));
  t.false(nsjailOptions(jailed({ unprivileged: true })).includes('--disable_clone_newuser'));
});

test('a network of its own, unless it has the machine’s or one that was made before', (t) => {
  const shares = (over: Partial<Jailed>) => nsjailOptions(jailed(over)).includes('--disable_clone_newnet');
  t.true(shares({ network: 'host' }));
  t.false(shares({ network: 'none' }));
  t.true(shares({ network: 'egress', link: 'ip ...\n' }));
  const { args } = nsjailLaunch(jailed({ network: 'egress', link: 'ip ...\n' }));
  t.true(args.indexOf('/usr/bin/unshare') < args.indexOf('/usr/bin/nsjail'));
});

test('only the report, the log and the socket are passed on', (t) => {
  const passed = (socket: boolean) =>
    nsjailOptions(jailed({ socket })).flatMap((option, i, all) =>
      option === '--pass_fd' ? [all[i + 1]] : [],
    );
  t.deepEqual(passed(false), ['3', '4']);
  t.deepEqual(passed(true), ['3', '4', '5']);
});

test('what is visible is mounted in order; strings are written so that no path can add a mount', (t) => {
  const config = nsjailConfig(jailed());
  const order = [
    'src: "/usr" dst: "/usr" is_bind: true rw: false',
    'src: "usr/bin" dst: "/bin" is_symlink: true',
    'src: "/run/stub-resolv.conf" dst: "/etc/resolv.conf" is_bind: true rw: false is_dir: false',
    'dst: "/srv/app" is_bind: true rw: false is_dir: true',
    'dst: "/srv/app/data" fstype: "tmpfs"',
    'src: "/dev/null" dst: "/srv/app/tenement.toml" is_bind: true rw: false',
    'dst: "/srv/app/data/notes/alice" is_bind: true rw: true',
  ].filter((part) => !config.includes(part));
  t.deepEqual(order, []);
  t.true(config.indexOf('dst: "/srv/app" ') < config.indexOf('dst: "/srv/app/data" '));
  t.true(config.indexOf('dst: "/srv/app/data" ') < config.indexOf('dst: "/srv/app/data/notes/alice"'));
  t.true(config.includes('src_content: "root:x:0:0:\\042\\303\\251\\134\\042:/:/bin/sh\\012"'));
  const hostile = { path: '/srv/x" }\nmount { dst: "/', access: 'read', kind: 'directory' } as const;
  t.is(
    nsjailConfig(jailed({ views: [hostile] })).split('\n').length,
    nsjailConfig(jailed({ views: [] })).split('\n').length + 1,
  );
});

test('pid 1 stays and waits; then the filter, and last of all the environment; secrets and paths not in arguments', (t) => {
  const { args, env, inputs, file, staysOpen } = nsjailLaunch(jailed());
  t.is(file, '/bin/sh');
  t.true(staysOpen);
  const words = args.join('\n');
  const places = [
    'ulimit -n 100',
    '/cg/a/cgroup.procs',
    '/usr/bin/nsjail',
    '"$@"; exit $?',
    'FILTER',
    'export "$',
    '/usr/bin/python3',
  ].map((part) => words.indexOf(part));
  t.false(places.includes(-1), words);
  t.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
  t.false(words.includes('secret'));
  t.false(words.includes('/srv/app/data'));
  t.is(env.LD_PRELOAD, undefined);
  t.is(inputs?.length, 1);
});
