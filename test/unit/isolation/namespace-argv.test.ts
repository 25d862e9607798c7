import test from 'ava';
import { namespaceLaunch } from '../../../isolation/namespace-argv.js';

const base = {
  socket: false,
  command: ['/usr/bin/python3', 'app.py'] as const,
  env: { STRIPE_KEY: 'secret', LD_PRELOAD: '/tmp/evil.so', TENEMENT_RUN: 'r1' },
  directory: '/srv/app',
  home: "/data/it's/home",
  groups: ['/cg/a/cgroup.procs', '/cg/b/cgroup.procs'],
  limits: 'ulimit -n 100 || exit 1\n',
  identity: { uid: 1900000001, gid: 1900000002 },
  network: 'host' as const,
  root: 'ROOT\n',
  tools: { unshare: '/usr/bin/unshare', setpriv: '/usr/bin/setpriv' },
};

test('groups are joined first, then namespaces, then the user, then the command', (t) => {
  const { args } = namespaceLaunch(base);
  const order = [
    '/cg/a/cgroup.procs',
    '/cg/b/cgroup.procs',
    '',
    '/usr/bin/unshare',
    '/usr/bin/setpriv',
    '/usr/bin/env',
  ];
  const places = order.map((word) => args.indexOf(word));
  t.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
  t.true(places.every((place) => place >= 0));
  t.deepEqual(args.slice(-2), base.command);
});

test('no death signal ties the instance to the server; the one inside is for pid 1 alone', (t) => {
  const { args } = namespaceLaunch(base);
  t.false(args.some((word) => word.includes('pdeathsig') || word.includes('die-with-parent')));
  t.is(args.filter((word) => word.startsWith('--kill-child')).length, 1);
});

test('secrets and what pid 1 does show neither in arguments nor under names that a loader obeys', (t) => {
  const { args, env } = namespaceLaunch(base);
  t.false(args.join(' ').includes('secret'));
  t.false(args.join(' ').includes('ROOT'));
  t.true(Object.keys(env).every((name) => name.startsWith('TENEMENT_')));
});

test('a network of its own is made and brought up only when asked for', (t) => {
  t.false(namespaceLaunch(base).args.includes('--net'));
  const own = namespaceLaunch({ ...base, network: 'none' });
  t.true(own.args.includes('--net'));
  t.regex(own.env.TENEMENT_START ?? '', /^ip link set lo up/m);
});

test('as a normal user: a user namespace, no change of user, and no further ones', (t) => {
  const { args, env } = namespaceLaunch({ ...base, identity: undefined });
  t.true(args.includes('--map-root-user'));
  t.false(args.includes('--reuid'));
  t.true(args.includes('--no-new-privs'));
  t.regex(env.TENEMENT_START ?? '', /max_user_namespaces/);
});

test('nothing is left of the powers in the user namespace in which no further ones can be made', (t) => {
  const { args } = namespaceLaunch(base);
  const own = args.indexOf('--keep-caps');
  t.true(own > 0);
  t.true(args.indexOf('--bounding-set=-all', own) > own);
});

test("the home is made by the tenant's user, not by root", (t) => {
  const { args, env } = namespaceLaunch(base);
  t.true(args.some((word) => word.includes(`mkdir -p '/data/it'\\''s/home'`)));
  t.false((env.TENEMENT_START ?? '').includes('home'));
});
