import test from 'ava';
import { execLaunch, type Joining } from '../../../isolation/exec-argv.js';
import type { Running } from '../../../isolation/running.js';

const running: Running = {
  pid: 42,
  startTime: '99',
  uid: 1001,
  gid: 1002,
  env: { SECRET: 'hush', LD_PRELOAD: '/evil.so', LISTEN_FDS: '1', LISTEN_PID: '42', NOTIFY_SOCKET: '/x' },
  directory: "/it's here",
  namespaces: ['mnt', 'pid'],
  groups: ['/sys/fs/cgroup/a/cgroup.procs'],
  filtered: true,
  umask: '0077',
  limits: [{ option: 'n', soft: '10', hard: '20' }],
};
const joining = (over: Partial<Joining> = {}): Joining => ({
  running,
  command: ['sqlite3', 'app.db'],
  extraEnv: { TERM: 'xterm' },
  self: 0,
  tools: { setpriv: '/usr/bin/setpriv', perl: '/usr/bin/perl' },
  arch: 'x64',
  ...over,
});

test('as root: limits and groups first, then the namespaces, the user, the filter, and last its environment', (t) => {
  const { file, args } = execLaunch(joining());
  t.is(file, '/bin/sh');
  const line = args.join('\n');
  const order = [
    'ulimit -H -n 20',
    '/sys/fs/cgroup/a/cgroup.procs',
    'setns',
    '42\n99\nmnt,pid',
    '--reuid\n1001\n--regid\n1002\n--clear-groups\n--no-new-privs',
    'TENEMENT_FILTER',
    "umask 0077; cd '/it'\\''s here' || exit 1",
    '/usr/bin/env',
    'sqlite3\napp.db',
  ].map((text) => (text === 'setns' ? line.indexOf('/ns/$_') : line.indexOf(text)));
  t.false(order.includes(-1), JSON.stringify(order));
  t.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
});

test('what the instance says of its environment reaches no program before the privileges are gone, and does not show in ps', (t) => {
  const { args, env } = execLaunch(joining());
  t.false(args.join(' ').includes('hush'));
  for (const name of ['SECRET', 'LD_PRELOAD', 'LISTEN_FDS']) t.is(env[name], undefined, name);
  const carried = Object.values(env);
  for (const entry of ['SECRET=hush', 'LD_PRELOAD=/evil.so', 'TERM=xterm'])
    t.true(carried.includes(entry), entry);
  t.false(
    carried.some((entry) => /^(LISTEN_|NOTIFY_)/.test(entry)),
    'they tell of descriptors that it does not get',
  );
});

test('never with less than the instance has: no perl, no command', (t) => {
  const without = { setpriv: '/usr/bin/setpriv', perl: undefined };
  t.throws(() => execLaunch(joining({ tools: without })), { message: /perl/ });
  t.throws(() => execLaunch(joining({ arch: undefined })), { message: /perl/ });
  const plain = { ...running, namespaces: [], filtered: false };
  t.notThrows(() => execLaunch(joining({ tools: without, running: plain })));
});

test('as the user that it runs as: nothing to drop, and it is told when a group cannot be joined', (t) => {
  const { args } = execLaunch(joining({ self: 1001 }));
  t.false(args.includes('--reuid'));
  t.true(args.includes('--no-new-privs'));
  t.regex(args[1] ?? '', /not joined/);
  t.notRegex(execLaunch(joining()).args[1] ?? '', /not joined/);
});
