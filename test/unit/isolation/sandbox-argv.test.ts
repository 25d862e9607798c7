import test from 'ava';
import { bubblewrapLaunch, bubblewrapOptions } from '../../../isolation/sandbox-argv.js';

const base = {
  socket: false,
  command: ['/usr/bin/python3', 'app.py'] as const,
  env: { STRIPE_KEY: 'secret', LD_PRELOAD: '/tmp/evil.so', TENEMENT_RUN: 'r1' },
  directory: '/srv/app',
  home: '/data/notes/alice/home',
  groups: ['/cg/a/cgroup.procs'],
  limits: { nofile: 100 },
  identity: { uid: 1900000001, gid: 1900000002 },
  network: 'host' as const,
  hostname: 'alice-notes',
  system: {
    links: ['/bin', '/dev/fd'],
    targets: new Map([
      ['/bin', 'usr/bin'],
      ['/dev/fd', '/proc/self/fd'],
    ]),
    directories: ['/usr'],
    files: [{ path: '/etc/resolv.conf', source: '/run/systemd/resolve/stub-resolv.conf' }],
    devices: [],
  },
  views: [
    { path: '/srv/app', access: 'read' as const, kind: 'directory' as const },
    { path: '/srv/app/data', access: 'hide' as const, kind: 'directory' as const },
    { path: '/srv/app/tenement.toml', access: 'hide' as const, kind: 'file' as const },
    { path: '/srv/app/data/notes/alice', access: 'write' as const, kind: 'directory' as const },
  ],
  files: [{ path: '/etc/passwd', text: 'root:x:0:0::/:/bin/sh\n' }],
  filter: Buffer.from('FILTER'),
  tools: { bwrap: '/usr/bin/bwrap', setpriv: '/usr/bin/setpriv', unshare: '/usr/bin/unshare' },
};

const options = (change: Partial<typeof base> | { identity: undefined } | { network: 'none' }): string =>
  bubblewrapOptions({ ...base, ...change }, 8).join(' ');

test('what is visible is mounted in order, and the root is closed last', (t) => {
  const text = options({});
  const order = [
    '--ro-bind /usr /usr',
    '--symlink usr/bin /bin',
    '--ro-bind /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf',
    '--ro-bind /srv/app /srv/app',
    '--tmpfs /srv/app/data',
    '--bind /srv/app/data/notes/alice /srv/app/data/notes/alice',
    '--remount-ro /',
  ];
  const places = order.map((part) => text.indexOf(part));
  t.true(
    places.every((place) => place >= 0),
    text,
  );
  t.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
  t.true(text.includes('--ro-bind /dev/null /srv/app/tenement.toml'));
  t.true(text.endsWith('--remount-ro /'));
  t.false(text.includes('/proc/self/fd'), 'bwrap makes the links of /dev by itself');
});

test('instances outlive the server: no death signal', (t) => {
  t.false(options({}).includes('die-with-parent'));
});

test('a network of its own only when asked for', (t) => {
  t.false(options({}).includes('--unshare-net'));
  t.true(options({ network: 'none' }).includes('--unshare-net'));
});

test('as root: only the powers to change the user, and setpriv gives them up', (t) => {
  const text = options({});
  t.true(text.includes('--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP'));
  t.false(text.includes('--unshare-user'));
  const { args } = bubblewrapLaunch(base);
  t.true(args.indexOf('/usr/bin/setpriv') > args.indexOf('/usr/bin/bwrap'));
  t.true(args.includes('--bounding-set=-all'));
});

test('as a normal user: in a user namespace, in which no further ones can be made', (t) => {
  const text = options({ identity: undefined });
  t.true(text.includes('--unshare-user --disable-userns'));
  t.false(text.includes('--cap-add'));
  t.false(bubblewrapLaunch({ ...base, identity: undefined }).args.includes('/usr/bin/setpriv'));
});

test('options, filter and files come through pipes: neither paths nor secrets show in arguments', (t) => {
  const { args, env, inputs } = bubblewrapLaunch(base);
  t.false(args.join(' ').includes('secret'));
  t.false(args.join(' ').includes('/srv/app/data'));
  t.true(Object.keys(env).every((name) => name.startsWith('TENEMENT_')));
  const [first, filter, file] = inputs ?? [];
  t.true(first?.toString().endsWith('--remount-ro\0/\0'));
  t.is(filter, base.filter);
  t.is(file?.toString(), base.files[0]?.text);
  t.is(args[args.indexOf('--args') + 1], '7');
  t.is(args[args.indexOf('--seccomp') + 1], '8');
  t.true(first?.toString().includes('--ro-bind-data\0' + '9\0/etc/passwd\0'));
});

test('by the builder: fewer programs, and the app waits for the rules of its network', async (t) => {
  const builder = { perl: '/usr/bin/perl', arch: 'x64' as const };
  const { args, env, inputs } = bubblewrapLaunch({ ...base, builder, ready: Promise.resolve() });
  t.false(args.includes('/usr/bin/setpriv'));
  t.true(args.indexOf('/usr/bin/perl') > args.indexOf('/usr/bin/bwrap'));
  t.is(args[args.indexOf('--args') + 1], '8');
  t.is(`${await inputs?.[0]}`, 'go\n');
  const steps = (env.TENEMENT_STEPS ?? '').split('\n').map((line) => line.split(' ')[0]);
  t.deepEqual(steps, ['limit', 'limit', 'wait', 'bounds', 'user', 'powerless', 'home', 'enter']);
  const unprivileged = bubblewrapLaunch({ ...base, builder, identity: undefined }).env.TENEMENT_STEPS ?? '';
  t.false(/bounds|user|wait/.test(unprivileged));
});
