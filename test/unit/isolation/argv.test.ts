import test from 'ava';
import { dropPrivilege, isEnvironmentName, launch } from '../../../isolation/argv.js';

const identity = { uid: 1900000001, gid: 1900000002 };
const base = {
  socket: false,
  command: ['/usr/bin/python3', 'app.py'] as const,
  env: { PATH: '/usr/bin', STRIPE_KEY: 'secret', LD_PRELOAD: '/tmp/evil.so', IFS: ',', TENEMENT_RUN: 'r1' },
  groups: [],
  limits: '',
  identity: undefined,
  setpriv: '/usr/bin/setpriv',
};

test('without group and identity nothing stands between us and the app', (t) => {
  const { file, args, env, reports } = launch(base);
  t.is(file, '/usr/bin/python3');
  t.deepEqual(args, ['app.py']);
  t.deepEqual(env, base.env);
  t.false(reports);
});

test('the group is joined before the privileges are dropped, and the command comes last', (t) => {
  const { file, args } = launch({ ...base, groups: ['/cg/cgroup.procs'], identity });
  t.is(file, '/bin/sh');
  const join = args.indexOf('/cg/cgroup.procs');
  const drop = args.indexOf('/usr/bin/setpriv');
  t.true(join > 0 && join < drop);
  t.deepEqual(args.slice(-2), base.command);
  t.deepEqual(args.slice(drop + 1, drop + 1 + dropPrivilege(identity).length), dropPrivilege(identity));
});

test('no value of the environment shows in arguments, and no name that a loader obeys is set for root', (t) => {
  const { args, env } = launch({ ...base, identity });
  t.false(args.join(' ').includes('secret'));
  t.deepEqual(
    Object.keys(env).filter((name) => !name.startsWith('TENEMENT_')),
    [],
  );
  t.is(env.TENEMENT_RUN, 'r1');
  t.true(Object.values(env).includes('LD_PRELOAD=/tmp/evil.so'));
});

test('names that a shell treats as its own go past it', (t) => {
  const { args } = launch({ ...base, identity });
  t.true(args.includes('IFS=,'));
});

test('dropping leaves no group, no capability and no way to gain any', (t) => {
  const options = dropPrivilege(identity);
  for (const option of [
    '--clear-groups',
    '--no-new-privs',
    '--inh-caps=-all',
    '--ambient-caps=-all',
    '--bounding-set=-all',
  ]) {
    t.true(options.includes(option), option);
  }
  t.is(options[options.indexOf('--reuid') + 1], '1900000001');
  t.is(options[options.indexOf('--regid') + 1], '1900000002');
});

test('names of environment variables', (t) => {
  for (const good of ['A', '_x', 'PATH2']) t.true(isEnvironmentName(good), good);
  for (const bad of ['', '2A', 'a.b', 'a-b', 'A=B', 'A\nB', 'BASH_FUNC_x%%'])
    t.false(isEnvironmentName(bad), bad);
});
