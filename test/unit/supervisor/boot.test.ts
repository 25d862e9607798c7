import test from 'ava';
import type { Adoption } from '../../../isolation/contract.js';
import { TenementError } from '../../../src/base/errors.js';
import { adoptRunning, registerListed, startAll, wantedAtBoot } from '../../../src/supervisor/boot.js';
import { FakeHandle } from '../../helpers/fake-handle.js';
import { key, supervisorWorld } from '../../helpers/supervisor-world.js';
import { until } from '../../helpers/until.js';

const NOTES = '[service.notes]\ncommand = "app"\nisolation = "process"\n';

/** A server comes up, and finds the ref that an earlier one saved of `id`. */
async function found(
  t: Parameters<typeof supervisorWorld>[0],
  adoption: (handle: FakeHandle) => Adoption,
  service = 'notes',
) {
  const world = await supervisorWorld(t, `${NOTES}[instances]\nnotes = ["alice"]\n`);
  const handle = new FakeHandle({ address: { host: '127.0.0.1', port: 1 } });
  world.registry.register(key('alice', service), 1);
  world.registry.saveRef(key('alice', service), handle.ref);
  world.adoptions.push(adoption(handle));
  return { world, handle };
}

test('gone: forgotten, then started anew because it is listed', async (t) => {
  const { world } = await found(t, () => ({ kind: 'gone' }));
  await adoptRunning(world.supervisor, world.backends, world.ports);
  t.is(world.registry.run(key('alice')), undefined);
  await registerListed(world.supervisor, world.registration);
  await startAll(world.supervisor, wantedAtBoot(world.supervisor));
  t.deepEqual(world.alive(), ['notes:alice']);
});

test('unproven: left alone, and never a second process', async (t) => {
  const { world, handle } = await found(t, () => ({ kind: 'unproven', reason: 'pid 7 may be it' }));
  await adoptRunning(world.supervisor, world.backends, world.ports);
  world.adoptions.push({ kind: 'unproven', reason: 'pid 7 may be it' });
  const error = await t.throwsAsync(world.operations.spawn(key('alice'), {}), { instanceOf: TenementError });
  t.is(error?.code, 'unproven_process');
  t.regex(error?.message ?? '', /pid 7/);
  t.deepEqual(world.alive(), []);
  t.deepEqual(handle.stops, []);
  t.not(world.registry.run(key('alice')), undefined, 'what is known of it is kept');
});

test('adopted, and its service is no longer configured: stopped', async (t) => {
  const { world, handle } = await found(t, (handle) => ({ kind: 'adopted', handle }), 'former');
  await adoptRunning(world.supervisor, world.backends, world.ports);
  await until('it is stopped', () => handle.gone);
  t.deepEqual(world.alive(), []);
});

test('adopted, and its port is given to nobody else', async (t) => {
  const { world, handle } = await found(t, (handle) => ({ kind: 'adopted', handle }));
  await adoptRunning(world.supervisor, world.backends, world.ports);
  t.is(world.supervisor.get(key('alice')).handle, handle);
  t.false(world.ports.reserve(1));
});

test('what is held or disabled is not started at boot, although it is listed', async (t) => {
  for (const want of ['down', 'disabled'] as const) {
    const { world } = await found(t, () => ({ kind: 'gone' }));
    world.registry.update(key('alice'), { want });
    await adoptRunning(world.supervisor, world.backends, world.ports);
    await registerListed(world.supervisor, world.registration);
    await startAll(world.supervisor, wantedAtBoot(world.supervisor));
    t.deepEqual(world.alive(), []);
  }
});
