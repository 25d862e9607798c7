import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { startCliServer } from '../../helpers/cli-server.js';

test('spawn prints exactly two lines, and beside them that it was running already', async (t) => {
  const { ten, control } = await startCliServer(t);
  for (const [args, remark] of [
    [['spawn', 'notes:carol'], ''],
    [['start', 'notes', '--id', 'carol'], 'It was running already.'],
  ] as const) {
    const run = await ten(args);
    t.is(run.stderr, remark);
    t.regex(run.stdout, /^Spawned notes:carol\nListening on 127\.0\.0\.1:\d+$/);
    t.is(run.exitCode, 0);
  }
  t.deepEqual(control.calls, ['spawn notes:carol', 'spawn notes:carol']);
});

test('an instance that never gets ready: exit 1 with the reason', async (t) => {
  const { ten, control } = await startCliServer(t);
  control.failures.set('spawn', new TenementError('start_failed', 'notes:carol exited with code 3'));
  const run = await ten(['spawn', 'notes:carol']);
  t.deepEqual(run, {
    exitCode: 1,
    stdout: '',
    stderr: 'error: notes:carol exited with code 3\ntry: `ten logs` shows the last lines that it wrote.',
  });
});

test('stop says that the next request wakes it, unless held', async (t) => {
  const { ten, control } = await startCliServer(t);
  t.regex((await ten(['stop', 'notes:alice'])).stdout, /^Stopped notes:alice\nThe next request wakes it/);
  t.regex((await ten(['stop', 'notes:bob', '--hold'])).stdout, /stays down until `ten start notes:bob`/);
  t.deepEqual(control.calls, ['stop notes:alice', 'stop notes:bob hold']);
});

test('stop promises no start that does not come', async (t) => {
  const { ten, control } = await startCliServer(t);
  const alice = control.kept.get('notes:alice');
  if (alice === undefined) return t.fail();
  const stopped = async () => (await ten(['stop', 'notes:alice'])).stdout;
  for (const [changes, said] of [
    [{ want: 'down' }, /stays down until `ten start notes:alice`/],
    [{ want: 'disabled' }, /503 until `ten enable notes:alice`/],
    [{ want: 'on-demand', configured: false }, /no service "notes": nothing starts it/],
  ] as const) {
    alice.view = { ...alice.view, ...changes };
    const text = await stopped();
    t.regex(text, said);
    t.notRegex(text, /wakes it/);
  }
});

test('stop says when there was nothing to stop', async (t) => {
  const { ten } = await startCliServer(t);
  await ten(['stop', 'notes:alice']);
  for (const flags of [[], ['--hold']]) {
    const { stdout, exitCode } = await ten(['stop', 'notes:alice', ...flags]);
    t.is(exitCode, 0);
    t.regex(stdout, /^Stopped notes:alice \(it was not running\)\n/);
  }
  t.true(JSON.parse((await ten(['stop', 'notes:alice', '--json'])).stdout).already);
});

test('ps tells that the service of an instance is gone; its health stays one of the words of the API', async (t) => {
  const { ten, control } = await startCliServer(t);
  await ten(['stop', 'notes:alice']);
  const alice = control.kept.get('notes:alice');
  if (alice !== undefined) alice.view = { ...alice.view, configured: false, backend: '-' };
  const { stdout, stderr } = await ten(['ps', '-a']);
  t.regex(stdout, /\nnotes:alice .* no service +100\n/);
  t.regex(stderr, /the config has it no more.*`ten rm`/);
  const [json] = JSON.parse((await ten(['ps', '-a', '--json'])).stdout);
  t.like(json, { id: 'notes:alice', health: 'sleeping', configured: false });
});

test('a service that does not exist: the ones that do, and which of them may be meant', async (t) => {
  const { ten } = await startCliServer(t);
  for (const args of [
    ['spawn', 'nots:alice'],
    ['stop', 'nots:alice'],
    ['health', 'nots:alice'],
    ['rm', 'nots:alice'],
    ['restart', 'nots'],
    ['ps', 'nots'],
    ['logs', 'nots'],
    ['env', 'set', 'nots:alice', 'KEY', 'value'],
    ['weight', 'nots:v1', '5'],
    ['deploy', 'nots:v2'],
    ['route', 'nots', '--from', 'a', '--to', 'b'],
    ['disable', 'nots:alice'],
  ]) {
    const run = await ten(args);
    t.not(run.exitCode, 0, args.join(' '));
    t.regex(run.stderr, /\ntry: Did you mean "notes"\? The services are: notes, shop\./, args.join(' '));
  }
  t.regex((await ten(['stop', 'something:alice'])).stderr, /\ntry: The services are: notes, shop\./);
});

test('ps lists awake ones; -a all; the words of people come before "sleeping"', async (t) => {
  const { ten } = await startCliServer(t);
  await ten(['stop', 'notes:alice']);
  await ten(['stop', 'notes:bob', '--hold']);
  const awake = (await ten(['ps'])).stdout;
  t.false(awake.includes('alice:'));
  t.regex(awake, /^INSTANCE .*\nshop:alice .* healthy +100$/);
  const all = (await ten(['ls', '-a'])).stdout;
  t.regex(all, /\nnotes:alice +- +.* sleeping +100\n/);
  t.regex(all, /\nnotes:bob +- +.* held +100\n/);
  t.regex(
    (await ten(['ps', '-o', 'wide'])).stdout,
    /^INSTANCE .* WEIGHT +MEMORY +CPU +BACKEND +LAST PROBLEM\n/,
  );
  t.false((await ten(['ps', '-a', 'shop'])).stdout.includes('notes:'));
});

test('without instances ps prints the header alone', async (t) => {
  const { ten, control } = await startCliServer(t);
  control.kept.clear();
  t.deepEqual(await ten(['ps']), {
    exitCode: 0,
    stdout: 'INSTANCE  LISTEN  UPTIME  IDLE  HEALTH  WEIGHT',
    stderr: '',
  });
});

test('--json prints what the API says', async (t) => {
  const { ten } = await startCliServer(t);
  const list = JSON.parse((await ten(['--json', 'ps'])).stdout);
  t.deepEqual(
    list.map(({ id }: { id: string }) => id),
    ['notes:alice', 'notes:bob', 'shop:alice'],
  );
  t.is(JSON.parse((await ten(['health', 'notes:alice', '--json'])).stdout).health, 'healthy');
  t.is(JSON.parse((await ten(['spawn', 'notes:carol', '--json'])).stdout).instance, 'notes:carol');
  t.is(JSON.parse((await ten(['stop', 'notes:carol', '--json'])).stdout).state, 'stopped');
  t.is(JSON.parse((await ten(['rm', 'notes:carol', '--json'])).stdout).id, 'notes:carol');
});

test('health prints one line', async (t) => {
  const { ten } = await startCliServer(t);
  t.deepEqual(await ten(['health', 'notes:alice']), {
    exitCode: 0,
    stdout: 'notes:alice: healthy',
    stderr: '',
  });
  await ten(['stop', 'notes:alice']);
  t.is((await ten(['health', 'notes', '--id', 'alice'])).stdout, 'notes:alice: sleeping');
});

test('what does not exist is an error and is not created', async (t) => {
  const { ten, control } = await startCliServer(t);
  for (const verb of ['stop', 'restart', 'rm', 'disable', 'enable', 'health']) {
    const run = await ten([verb, 'notes:nobody']);
    t.is(run.exitCode, 1, verb);
    t.regex(run.stderr, /^error: .*notes:nobody/, verb);
  }
  t.false(control.kept.has('notes:nobody'));
});

test('disable and enable', async (t) => {
  const { ten, control } = await startCliServer(t);
  t.regex((await ten(['disable', 'notes:alice'])).stdout, /^Disabled notes:alice\nRequests get 503/);
  t.is(control.kept.get('notes:alice')?.view.want, 'disabled');
  t.regex((await ten(['ps', '-a'])).stdout, /notes:alice .* disabled/);
  t.regex((await ten(['enable', 'notes:alice'])).stdout, /^Enabled notes:alice/);
  t.not(control.kept.get('notes:alice')?.view.want, 'disabled');
});

test('rm forgets; --purge is passed on', async (t) => {
  const { ten, control } = await startCliServer(t);
  t.regex((await ten(['rm', 'notes:alice'])).stdout, /^Removed notes:alice\n.*trash: \/data\//);
  t.regex((await ten(['rm', 'notes:bob', '--purge'])).stdout, /^Removed notes:bob\n.*deleted: \/data\//);
  t.deepEqual(control.calls, ['remove notes:alice', 'remove notes:bob purge']);
});

test('rm says what became of the data: nothing there, left to others, deleted although the trash was asked for', async (t) => {
  const { ten, control } = await startCliServer(t);
  control.fate = { trash: undefined, deleted: [], kept: [] };
  t.is((await ten(['rm', 'notes:alice', '--purge'])).stdout, 'Removed notes:alice\nIt had no data.');
  control.fate = {
    trash: undefined,
    deleted: ['/data/notes/bob'],
    kept: [{ path: '/data/bob', sharedWith: ['other:bob'] }],
  };
  t.is(
    (await ten(['rm', 'notes:bob'])).stdout,
    'Removed notes:bob\nIts data is deleted: /data/notes/bob\n/data/bob was left: other:bob has data there, too.',
  );
});

test('restart of one, and of a service with its progress', async (t) => {
  const { ten, control } = await startCliServer(t);
  t.regex((await ten(['restart', 'notes:alice'])).stdout, /^Restarted notes:alice\nListening on /);
  t.is(
    (await ten(['restart', 'notes'])).stdout,
    'Restarted notes:alice (1 of 2)\nRestarted notes:bob (2 of 2)',
  );
  control.failures.set('restartService', new TenementError('start_timeout', 'notes:bob was not ready'));
  const failed = await ten(['restart', 'notes']);
  t.is(failed.exitCode, 1);
  t.is(failed.stdout, 'Restarted notes:alice (1 of 2)');
  t.regex(failed.stderr, /^error: notes:bob was not ready\ntry: /);
});

test('versions: deploy, weight, route', async (t) => {
  const { ten } = await startCliServer(t);
  t.regex(
    (await ten(['deploy', 'notes', '--version', 'v2', '--weight', '10'])).stdout,
    /^Deployed notes:v2 \(weight 10,/,
  );
  t.regex((await ten(['deploy', 'notes:v3', '--timeout', '90s'])).stdout, /^Deployed notes:v3 \(weight 100,/);
  t.is((await ten(['weight', 'notes:v2', '40'])).stdout, 'notes:v2 has weight 40');
  t.is(
    (await ten(['route', 'notes', '--from', 'v3', '--to', 'v2'])).stdout.split('\n')[0],
    'notes:v3 has weight 0',
  );
  t.is((await ten(['route', 'notes', '--from', 'v3'])).exitCode, 2);
});

test('environment: every way to give a value, and none to see it', async (t) => {
  const { ten, control } = await startCliServer(t);
  const runs = [
    await ten(['env', 'set', 'notes:alice', 'A', 'hunter2']),
    await ten(['env', 'set', 'notes:alice', 'B=hunter2=x']),
    await ten(['env', 'set', 'notes:alice', 'C'], { input: 'hunter2 \n' }),
    await ten(['env', 'set', 'notes:alice', 'D', '']),
    await ten(['env', 'ls', 'notes:alice']),
    await ten(['env', 'ls', 'notes:alice', '--json']),
  ];
  t.deepEqual(control.kept.get('notes:alice')?.env, { A: 'hunter2', B: 'hunter2=x', C: 'hunter2 ', D: '' });
  for (const run of runs) {
    t.is(run.exitCode, 0);
    t.false(`${run.stdout}${run.stderr}`.includes('hunter2'));
  }
  await ten(['env', 'unset', 'notes:alice', 'A']);
  t.false(Object.hasOwn(control.kept.get('notes:alice')?.env ?? {}, 'A'));
  const bad = await ten(['env', 'set', 'notes:alice', 'sk_live-1']);
  t.is(bad.exitCode, 2);
  t.false(bad.stderr.includes('sk_live'));
});

test('variables that only tenement sets are wrong usage', async (t) => {
  const { ten, control } = await startCliServer(t);
  for (const name of ['PORT', 'TENEMENT_X', 'LISTEN_FDS']) {
    const run = await ten(['env', 'set', 'notes:alice', name, '99']);
    t.is(run.exitCode, 2, name);
    t.regex(run.stderr, /set by tenement itself/);
  }
  t.deepEqual(control.kept.get('notes:alice')?.env, {});
});

test('a name that does not exist is never silence', async (t) => {
  const { ten } = await startCliServer(t);
  await ten(['env', 'set', 'notes:alice', 'KEY', 'x']);
  for (const [args, what] of [
    [['logs', 'nosvc:a'], /nosvc:a/],
    [['logs', 'notes:zzz'], /notes:zzz/],
    [['logs', 'nosvc'], /service nosvc\n(.*\n)*try: The services are: notes, shop\./],
    [['logs', '-f', 'nosvc'], /service nosvc/],
    [['logs', '-f', 'notes:zzz'], /notes:zzz/],
    [['ps', 'nosvc'], /service nosvc/],
    [['ps', '-a', 'nosvc', '--json'], /service nosvc/],
    [['env', 'unset', 'notes:alice', 'NOPE'], /NOPE/],
    [['env', 'ls', 'notes:alice', 'NOPE'], /NOPE/],
    [['env', 'ls', 'notes:zzz'], /notes:zzz/],
    [['restart', 'nosvc'], /nosvc/],
  ] as const) {
    const run = await ten(args);
    t.is(run.exitCode, 1, args.join(' '));
    t.is(run.stdout, '', args.join(' '));
    t.regex(run.stderr, what);
    t.regex(run.stderr, /^error: .*no /);
  }
  t.is((await ten(['env', 'ls', 'notes:alice', 'KEY'])).exitCode, 0);
  t.deepEqual(await ten(['logs', 'notes:alice']), { exitCode: 0, stdout: '', stderr: '' });
});

test('reload tells what changed', async (t) => {
  const { ten } = await startCliServer(t);
  t.regex((await ten(['reload'])).stdout, /^Reloaded/);
});
