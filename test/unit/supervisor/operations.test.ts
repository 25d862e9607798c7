import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { key, supervisorWorld } from '../../helpers/supervisor-world.js';

const NOTES = '[service.notes]\ncommand = "app"\nisolation = "process"\n';
const BALANCED = `${NOTES}balance = true\n`;
const never = () => new AbortController().signal;
const request = () => ({ signal: never(), hasBody: false });

test('a hold on a disabled instance does not enable it', async (t) => {
  const { operations } = await supervisorWorld(t, NOTES);
  await operations.spawn(key('alice'), {});
  await operations.setDisabled(key('alice'), true);
  t.is((await operations.stop(key('alice'), { hold: true })).want, 'disabled');
  t.is((await operations.stop(key('alice'), { hold: false })).want, 'disabled');
});

test('a hold outlasts disable and enable, and a restart of the server between them', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  const { operations } = world;
  const alice = key('alice');
  await operations.spawn(alice, {});
  await operations.stop(alice, { hold: true });
  await operations.setDisabled(alice, true);
  await operations.setDisabled(alice, true);
  t.is((await operations.view(alice)).want, 'disabled');
  // What the next server knows is the row alone.
  const live = world.supervisor.get(alice);
  world.supervisor.release(alice, live);
  t.is((await operations.setDisabled(alice, false)).want, 'down');
  t.is((await operations.setDisabled(alice, false)).want, 'down', 'enable ends no hold');
  t.is((await operations.spawn(alice, {})).state, 'ready');
});

test('a hold that ended, or came while disabled, is what an enable finds', async (t) => {
  const { operations } = await supervisorWorld(t, NOTES);
  const alice = key('alice');
  await operations.spawn(alice, {});
  await operations.stop(alice, { hold: true });
  await operations.spawn(alice, {});
  await operations.setDisabled(alice, true);
  t.is((await operations.setDisabled(alice, false)).want, 'on-demand');
  await operations.setDisabled(alice, true);
  await operations.stop(alice, { hold: true });
  await operations.stop(alice, { hold: false });
  t.is((await operations.setDisabled(alice, false)).want, 'down');
  t.is((await operations.put(alice, { disabled: true })).instance.want, 'disabled');
  t.is((await operations.put(alice, { disabled: false })).instance.want, 'down');
});

test('what is held or disabled still is after its service left the config and came back', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  await world.operations.spawn(key('alice'), {});
  await world.operations.stop(key('alice'), { hold: true });
  await world.operations.spawn(key('bob'), {});
  await world.operations.setDisabled(key('bob'), true);
  await world.operations.spawn(key('carol'), {});
  world.setConfig('[service.other]\ncommand = "app"\nisolation = "process"\n');
  await world.operations.reload();
  t.deepEqual(world.alive(), [], 'what is no longer configured is stopped');
  world.setConfig(NOTES);
  await world.operations.reload();
  t.is((await world.operations.view(key('alice'))).want, 'down');
  t.is((await world.operations.view(key('bob'))).want, 'disabled');
  const lease = await world.upstreams.acquire({ kind: 'instance', ...key('carol') }, request());
  lease.release();
});

test('what is only registered is listened for, and again when its environment changes while it sleeps', async (t) => {
  const { operations, activation } = await supervisorWorld(t, NOTES);
  const alice = key('alice');
  await operations.put(alice, {});
  t.deepEqual(activation, ['reopen notes:alice']);
  await operations.put(alice, { weight: 2 });
  t.deepEqual(activation, ['reopen notes:alice']);
  await operations.put(alice, { env: { A: 'b' } });
  await operations.setEnv(alice, 'A', 'd');
  await operations.setEnv(alice, 'A', undefined);
  t.deepEqual(activation, Array(4).fill('reopen notes:alice'));
  await operations.spawn(alice, {});
  await operations.put(alice, { env: { A: 'c' } });
  await operations.setEnv(alice, 'A', 'e');
  t.is(activation.length, 4, 'what runs has its socket');
});

test('reload restarts what changed and nothing else', async (t) => {
  const other = '[service.other]\ncommand = "app"\nisolation = "process"\n';
  const world = await supervisorWorld(t, NOTES + other);
  await world.operations.spawn(key('alice'), {});
  await world.operations.spawn(key('x', 'other'), {});
  await world.operations.spawn(key('asleep'), {});
  await world.operations.stop(key('asleep'), { hold: false });
  const before = await world.operations.list({ all: false });
  world.setConfig(NOTES.replace('"app"', '"app --new"') + other);
  t.deepEqual((await world.operations.reload()).changed, ['notes']);
  const after = await world.operations.list({ all: false });
  t.deepEqual(
    after.map((view) => view.pid === before.find(({ key: { id } }) => id === view.key.id)?.pid),
    [false, true],
  );
  t.is((await world.operations.view(key('asleep'))).state, 'stopped');
});

test('remove: nothing runs, nothing is known, the data is in the trash; the name is free again', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  await world.operations.spawn(key('alice'), {});
  const file = join(world.dataDir, 'notes', 'alice', 'notes.db');
  writeFileSync(file, 'x');
  await world.operations.remove(key('alice'), { purge: false });
  t.deepEqual(world.alive(), []);
  t.false(existsSync(file));
  t.is(world.registry.get(key('alice')), undefined);
  t.deepEqual(world.forgotten, ['notes:alice']);
  t.is((await world.operations.spawn(key('alice'), {})).state, 'ready');
});

test('remove while it starts: the start is refused, no process stays', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  world.behaviour.set('notes:alice', 'never ready');
  const started = world.operations.spawn(key('alice'), {});
  const refused = t.throwsAsync(started, { instanceOf: TenementError });
  await world.operations.spawn(key('alice'), { wait: false });
  await world.operations.remove(key('alice'), { purge: true });
  await refused;
  t.deepEqual(world.alive(), []);
});

test('remove twice at once: the second finds nothing, and a new one of that name keeps its data', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  await world.operations.spawn(key('alice'), {});
  const outcomes = await Promise.allSettled([
    world.operations.remove(key('alice'), { purge: true }),
    world.operations.remove(key('alice'), { purge: true }),
  ]);
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});

test('a remove whose data cannot be moved leaves an instance that works', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  await world.operations.spawn(key('alice'), {});
  const inTheWay = join(world.dataDir, '.tenement', 'trash');
  writeFileSync(inTheWay, 'not a directory');
  await t.throwsAsync(world.operations.remove(key('alice'), { purge: false }));
  t.not(world.registry.get(key('alice')), undefined);
  const lease = await world.upstreams.acquire({ kind: 'instance', ...key('alice') }, request());
  lease.release();
  rmSync(inTheWay);
  await world.operations.remove(key('alice'), { purge: false });
});

test('a launch whose ref cannot be saved leaves no process and no port', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  const save = world.registry.saveRef;
  world.registry.saveRef = () => {
    throw new Error('database or disk is full');
  };
  const error = await t.throwsAsync(world.operations.spawn(key('alice'), {}), { instanceOf: TenementError });
  t.is(error?.code, 'start_failed');
  t.is(world.handles.length, 1);
  t.deepEqual(world.alive(), []);
  world.registry.saveRef = save;
  await world.operations.spawn(key('alice'), {});
});

test('deploy: a new version that cannot start leaves nothing', async (t) => {
  const world = await supervisorWorld(t, BALANCED);
  world.behaviour.set('notes:v2', 'cannot start');
  await t.throwsAsync(world.operations.deploy('notes', 'v2', { weight: 50, timeoutSecs: undefined }), {
    instanceOf: TenementError,
    message: /no such command/,
  });
  t.is(world.registry.get(key('v2')), undefined);
  t.false(existsSync(join(world.dataDir, 'notes', 'v2')));
});

test('deploy: one that is not healthy in time is stopped again; one that was held is held again', async (t) => {
  const world = await supervisorWorld(t, BALANCED);
  await world.operations.spawn(key('v1'), {});
  await world.operations.stop(key('v1'), { hold: true });
  world.behaviour.set('notes:v1', 'never ready');
  const deployed = world.operations.deploy('notes', 'v1', { weight: 50, timeoutSecs: 5 });
  const refused = t.throwsAsync(deployed, { instanceOf: TenementError });
  await world.clock.advanceAsync(5000);
  t.is((await refused)?.code, 'start_timeout');
  const view = await world.operations.view(key('v1'));
  t.is(view.want, 'down');
  t.is(view.state, 'stopped');
  t.is(view.weight, 100);
  t.deepEqual(world.alive(), []);
});

test('deploy gives the weight only when it is ready; route moves it in one step', async (t) => {
  const world = await supervisorWorld(t, BALANCED);
  await world.operations.deploy('notes', 'v1', { weight: 80, timeoutSecs: 5 });
  const view = await world.operations.deploy('notes', 'v2', { weight: 0, timeoutSecs: 5 });
  t.is(view.weight, 0);
  const moved = await world.operations.route('notes', 'v1', 'v2');
  t.deepEqual([moved.from.weight, moved.to.weight], [0, 80]);
  t.is(world.clock.pending >= 0, true);
  for (let i = 0; i < 20; i += 1) {
    const lease = await world.upstreams.acquire({ kind: 'service', service: 'notes' }, request());
    t.is(lease.instance, 'notes:v2');
    lease.release();
  }
});

test('route to one that cannot start changes nothing', async (t) => {
  const world = await supervisorWorld(t, BALANCED);
  await world.operations.spawn(key('v1'), {});
  world.behaviour.set('notes:v2', 'cannot start');
  await world.registration.ensure(key('v2'), { adoptData: false, weight: 0 });
  await t.throwsAsync(world.operations.route('notes', 'v1', 'v2'));
  t.is((await world.operations.view(key('v1'))).weight, 100);
});

test('versions need balance, and weights are whole numbers from 0 to 100', async (t) => {
  const plain = await supervisorWorld(t, NOTES);
  const conflict = await t.throwsAsync(
    plain.operations.deploy('notes', 'v1', { weight: 1, timeoutSecs: undefined }),
    { instanceOf: TenementError },
  );
  t.is(conflict?.code, 'conflict');
  const { operations } = await supervisorWorld(t, BALANCED);
  for (const weight of [-1, 101, 0.5, Number.NaN]) {
    await t.throwsAsync(operations.deploy('notes', 'v1', { weight, timeoutSecs: undefined }));
  }
});

test('a balanced request goes past a version that cannot start', async (t) => {
  const world = await supervisorWorld(t, BALANCED);
  for (const id of ['v1', 'v2']) await world.registration.ensure(key(id), { adoptData: false });
  world.behaviour.set('notes:v1', 'cannot start');
  for (let i = 0; i < 10; i += 1) {
    const lease = await world.upstreams.acquire({ kind: 'service', service: 'notes' }, request());
    t.is(lease.instance, 'notes:v2');
    lease.release();
  }
});

test('a restart of the service restarts what runs, wakes nothing, ends no hold, and stops at the first failure', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  for (const id of ['a', 'b', 'c', 'held']) await world.operations.spawn(key(id), {});
  await world.operations.stop(key('held'), { hold: true });
  await world.registration.ensure(key('asleep'), { adoptData: false });
  const seen: string[] = [];
  for await (const { key: one } of world.operations.restartService('notes')) seen.push(one.id);
  t.deepEqual(seen, ['a', 'b', 'c']);
  t.deepEqual(world.alive().sort(), ['notes:a', 'notes:b', 'notes:c']);

  world.behaviour.set('notes:b', 'cannot start');
  await t.throwsAsync(
    async () => {
      for await (const _step of world.operations.restartService('notes'));
    },
    { message: /notes:b did not come back after 1 of 3/ },
  );
});

test('one that is held while a service restarts stays held', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  for (const id of ['a', 'b']) await world.operations.spawn(key(id), {});
  const steps = world.operations.restartService('notes')[Symbol.asyncIterator]();
  await steps.next();
  await world.operations.stop(key('b'), { hold: true });
  while (!(await steps.next()).done);
  t.is((await world.operations.view(key('b'))).want, 'down');
  t.deepEqual(world.alive(), ['notes:a']);
});

test('a spawn and a stop say whether there was anything to do', async (t) => {
  const { operations } = await supervisorWorld(t, NOTES);
  const alice = key('alice');
  t.false((await operations.spawn(alice, {})).already);
  t.true((await operations.spawn(alice, {})).already);
  t.false((await operations.stop(alice, { hold: false })).already);
  t.true((await operations.stop(alice, { hold: false })).already);
  t.true((await operations.stop(alice, { hold: true })).already);
  t.false((await operations.spawn(alice, {})).already);
});

test('a spawn that fails says what becomes of the instance', async (t) => {
  const { operations, behaviour, registry } = await supervisorWorld(t, NOTES);
  behaviour.set('notes:alice', 'cannot start');
  const error = await t.throwsAsync(operations.spawn(key('alice'), {}), { instanceOf: TenementError });
  t.is(error?.code, 'start_failed');
  t.regex(
    error?.hint ?? '',
    /notes:alice stays registered, in back-off: .*`ten start notes:alice` tries again, `ten rm notes:alice`/,
  );
  t.not(registry.get(key('alice')), undefined);
  await operations.setDisabled(key('alice'), true);
  const refused = await t.throwsAsync(operations.spawn(key('alice'), {}), { instanceOf: TenementError });
  t.notRegex(refused?.hint ?? '', /stays registered/);
});

test('an instance whose service left the config is shown so', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  t.true((await world.operations.spawn(key('alice'), {})).configured);
  world.setConfig(NOTES.replace('notes', 'other'));
  await world.operations.reload();
  t.false((await world.operations.view(key('alice'))).configured);
});
