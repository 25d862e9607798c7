import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { key, supervisorWorld } from '../../helpers/supervisor-world.js';

const NOTES = '[service.notes]\ncommand = "app"\nisolation = "process"\n';
const never = () => new AbortController().signal;

test('two first requests for a label make one instance and one process', async (t) => {
  const world = await supervisorWorld(t, `${NOTES}on_demand = "any"\nmax_instances = 1\n`);
  const acquire = () =>
    world.upstreams.acquire({ kind: 'instance', ...key('new') }, { signal: never(), hasBody: false });
  const leases = await Promise.all([acquire(), acquire(), acquire()]);
  t.is(world.registry.all().length, 1);
  t.deepEqual(world.alive(), ['notes:new']);
  for (const lease of leases) lease.release();
});

test('max_instances bounds what registers itself, also when many come at once', async (t) => {
  const world = await supervisorWorld(t, `${NOTES}on_demand = "any"\nmax_instances = 2\n`);
  const all = ['a', 'b', 'c', 'd'].map((id) =>
    world.upstreams.acquire({ kind: 'instance', ...key(id) }, { signal: never(), hasBody: false }),
  );
  const outcomes = await Promise.allSettled(all);
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 2);
  t.is(world.registry.all().length, 2);
});

test('an unknown label makes nothing: no row, no object, no directory', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  for (let i = 0; i < 100; i += 1) {
    await t.throwsAsync(
      world.upstreams.acquire({ kind: 'instance', ...key(`no-${i}`) }, { signal: never(), hasBody: false }),
      { instanceOf: TenementError },
    );
  }
  t.is(world.registry.all().length, 0);
  t.is([...world.supervisor.instances].length, 0);
  t.false(existsSync(join(world.dataDir, 'notes')));
});

test('old files are refused unless they are taken over', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  mkdirSync(join(world.dataDir, 'notes', 'alice'), { recursive: true });
  writeFileSync(join(world.dataDir, 'notes', 'alice', 'old.db'), 'x');
  const error = await t.throwsAsync(world.operations.spawn(key('alice'), {}), { instanceOf: TenementError });
  t.is(error?.code, 'old_data');
  t.is(world.registry.all().length, 0, 'nothing was registered');
  const view = await world.operations.spawn(key('alice'), { adoptData: true });
  t.is(view.state, 'ready');
});

test('names, unknown services', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  for (const [bad, code] of [
    [key('Alice'), 'invalid'],
    [key('../x'), 'invalid'],
    [key('a', 'nope'), 'not_found'],
  ] as const) {
    const error = await t.throwsAsync(world.registration.ensure(bad, { adoptData: false }), {
      instanceOf: TenementError,
    });
    t.is(error?.code, code);
  }
});

test('an id whose directory would hold those of a whole service is refused', async (t) => {
  const world = await supervisorWorld(
    t,
    `${NOTES}[service.wide]\ncommand = "app"\nisolation = "process"\n[service.wide.env]\nDIR = "{data_dir}/{id}"\n`,
  );
  const error = await t.throwsAsync(world.registration.ensure(key('notes', 'wide'), { adoptData: false }), {
    instanceOf: TenementError,
  });
  t.is(error?.code, 'conflict');
  t.is(world.registry.all().length, 0);
});
