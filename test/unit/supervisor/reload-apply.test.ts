import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { supervisorWorld } from '../../helpers/supervisor-world.js';
import { until } from '../../helpers/until.js';

const NOTES = '[service.notes]\ncommand = "app"\nisolation = "process"\n';

test('a changed service that does not come back: the reload says so and the others are left', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  for (const id of ['a', 'b']) await world.operations.spawn({ service: 'notes', id }, {});
  world.behaviour.set('notes:a', 'cannot start');
  world.setConfig(NOTES.replace('"app"', '"other"'));
  const error = await t.throwsAsync(world.operations.reload(), { instanceOf: TenementError });
  t.regex(error?.message ?? '', /new config is in force, but notes:a/);
  t.deepEqual(world.alive(), ['notes:b']);
});

test('what is just being launched as it was configured before is restarted, too', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  let launch = () => {};
  world.behaviour.set('notes:a', new Promise<void>((resolve) => (launch = resolve)));
  const spawning = world.operations.spawn({ service: 'notes', id: 'a' }, {});
  await until('it is being launched', () => world.spawned.length === 1);
  world.setConfig(NOTES.replace('"app"', '"other"'));
  const reloading = world.operations.reload();
  world.behaviour.clear();
  launch();
  await Promise.all([spawning, reloading]);
  t.deepEqual(world.spawned, ['app', 'other']);
  t.deepEqual(world.alive(), ['notes:a']);
});

test('a restart does not end a hold', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  const key = { service: 'notes', id: 'a' };
  await world.operations.spawn(key, {});
  await world.operations.stop(key, { hold: true });
  const error = await t.throwsAsync(world.operations.restart(key), { instanceOf: TenementError });
  t.is(error?.code, 'held');
  t.deepEqual(world.alive(), []);
});

test('nothing listens any more for instances of a service that was removed, asleep or not', async (t) => {
  const world = await supervisorWorld(t, `${NOTES}${NOTES.replace('notes', 'shop')}`);
  for (const key of [
    { service: 'notes', id: 'a' },
    { service: 'notes', id: 'b' },
    { service: 'shop', id: 'c' },
  ])
    await world.operations.spawn(key, {});
  await world.operations.stop({ service: 'notes', id: 'b' }, { hold: false });
  world.activation.length = 0;
  world.setConfig(NOTES.replace('notes', 'shop'));
  await world.operations.reload();
  t.deepEqual(world.activation, ['shut notes:a', 'shut notes:b', 'close notes:a', 'close notes:b']);
});

test('what [instances] lists newly is started, whether or not it was registered before; what it lists no more goes on', async (t) => {
  const world = await supervisorWorld(t, `${NOTES}[instances]\nnotes = ["b"]\n`);
  for (const id of ['a', 'b']) await world.operations.spawn({ service: 'notes', id }, {});
  await world.operations.stop({ service: 'notes', id: 'a' }, { hold: false });
  t.deepEqual(world.alive(), ['notes:b']);
  world.setConfig(`${NOTES}[instances]\nnotes = ["a", "c"]\n`);
  const { listed, unlisted } = await world.operations.reload();
  t.deepEqual(
    [listed, unlisted].map((keys) => keys.map(({ id }) => id)),
    [['a', 'c'], ['b']],
  );
  t.deepEqual(world.alive().sort(), ['notes:a', 'notes:b', 'notes:c']);
});

test('what is listed newly and held stays down', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  await world.operations.spawn({ service: 'notes', id: 'a' }, {});
  await world.operations.stop({ service: 'notes', id: 'a' }, { hold: true });
  world.setConfig(`${NOTES}[instances]\nnotes = ["a"]\n`);
  await world.operations.reload();
  t.deepEqual(world.alive(), []);
});
