import test, { type ExecutionContext } from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { FakeFreezer, FakeHandle } from '../../helpers/fake-handle.js';
import { InstanceWorld, turn } from '../../helpers/instance-world.js';

const never = () => new AbortController().signal;
const IDLE_MS = 300_000;
const stopped = new TenementError('stopped');

/** An instance that is ready and will be frozen when it is idle. */
async function ready(freezeMs: number | undefined = 0) {
  const world = new InstanceWorld({ timings: { freezeMs } });
  const freezer = new FakeFreezer();
  const { handle, lease } = await world.awake(new FakeHandle({ freezer }));
  return { world, freezer, handle, lease };
}

async function frozen(t: ExecutionContext, freezeMs = 0) {
  const all = await ready(freezeMs);
  all.lease.release();
  await all.world.clock.advanceAsync(IDLE_MS);
  t.is(all.world.instance.state, 'frozen');
  t.true(all.freezer.held);
  return all;
}

/** A promise and its settling. */
function gate(): { promise: Promise<void>; open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

test('idle freezes it: kept connections are dropped, nothing is asked of it, no timer runs', async (t) => {
  const { world, handle } = await frozen(t);
  t.is(world.freezes, 1);
  t.deepEqual(handle.stops, []);
  t.is(world.clock.pending, 0);
  const asked = world.healthChecks;
  await world.clock.advanceAsync(10 * IDLE_MS);
  t.is(world.healthChecks, asked);
  t.is(world.instance.state, 'frozen');
  t.is(world.alive, 1);
});

test('20 at once thaw it once, and are let in without a start or a probe', async (t) => {
  const { world, freezer, handle } = await frozen(t);
  const slow = gate();
  freezer.until = slow.promise;
  const wanted = Array.from({ length: 20 }, () => world.instance.acquire(never()));
  await turn();
  t.is(world.instance.state, 'frozen');
  slow.open();
  const leases = await Promise.all(wanted);
  t.true(leases.every((lease) => lease.handle === handle));
  t.deepEqual(freezer.calls, ['freeze', 'thaw']);
  t.is(world.launches.length, 1);
  t.is(world.probes.length, 1);
  t.is(world.transitions.at(-1), 'frozen>ready');
});

test('an open lease vetoes it, however long', async (t) => {
  const { world, freezer, lease } = await ready();
  await world.clock.advanceAsync(3 * IDLE_MS);
  t.is(world.instance.state, 'ready');
  t.deepEqual(freezer.calls, []);
  lease.release();
  await world.clock.advanceAsync(IDLE_MS);
  t.is(world.instance.state, 'frozen');
});

test('a wake while the freeze is under way is not lost', async (t) => {
  const { world, freezer, lease } = await ready();
  const slow = gate();
  freezer.until = slow.promise;
  lease.release();
  await world.clock.advanceAsync(IDLE_MS);
  const wanted = world.instance.acquire(never());
  await turn();
  t.deepEqual(freezer.calls, ['freeze', 'thaw']);
  slow.open();
  await wanted;
  t.is(world.instance.state, 'ready');
});

test('it sleeps again after its thaw, and idle time is counted from there', async (t) => {
  const { world, freezer } = await frozen(t);
  const client = new AbortController();
  const wanted = world.instance.acquire(client.signal);
  client.abort(new Error('gone'));
  await t.throwsAsync(wanted);
  await turn();
  t.is(world.instance.state, 'ready');
  await world.clock.advanceAsync(IDLE_MS - 1);
  t.is(world.instance.state, 'ready');
  await world.clock.advanceAsync(1);
  t.is(world.instance.state, 'frozen');
  t.deepEqual(freezer.calls, ['freeze', 'thaw', 'freeze']);
});

test('health checks go on after the thaw, and what was counted before the freeze stays', async (t) => {
  const { world, lease } = await ready();
  world.health = { kind: 'refused' };
  await world.clock.advanceAsync(11_000);
  t.is(world.instance.condition, 'degraded');
  lease.release();
  // One more check, and then none before it sleeps.
  world.timings = { ...world.timings, healthIntervalMs: 10_000_000 };
  await world.clock.advanceAsync(IDLE_MS);
  t.is(world.instance.state, 'frozen');
  world.health = { kind: 'healthy' };
  world.timings = { ...world.timings, healthIntervalMs: 10_000 };
  (await world.instance.acquire(never())).release();
  t.is(world.instance.condition, 'degraded');
  const asked = world.healthChecks;
  await world.clock.advanceAsync(11_000);
  t.is(world.healthChecks, asked + 1);
  t.is(world.instance.condition, 'healthy');
});

test('after freeze_timeout it is stopped; the next request starts it', async (t) => {
  const { world, handle } = await frozen(t, 60_000);
  await world.clock.advanceAsync(59_999);
  t.is(world.instance.state, 'frozen');
  await world.clock.advanceAsync(1);
  t.is(world.instance.state, 'stopped');
  t.true(handle.gone);
  t.is(world.clock.pending, 0);
  await world.awake();
});

test('a thaw cancels freeze_timeout', async (t) => {
  const { world } = await frozen(t, 60_000);
  const lease = await world.instance.acquire(never());
  await world.clock.advanceAsync(120_000);
  t.is(world.instance.state, 'ready');
  lease.release();
});

test('a stop, a shutdown and a restart end it; nothing is left and no timer', async (t) => {
  for (const end of ['stop', 'shutdown', 'renew'] as const) {
    const { world, handle } = await frozen(t, 60_000);
    if (end === 'stop') await world.instance.stop('on-demand', stopped);
    else if (end === 'shutdown') await world.instance.shutdown();
    else await world.instance.renew('the service is restarted');
    t.is(world.instance.state, 'stopped', end);
    t.deepEqual(handle.stops, [10_000], 'TERM reaches the app');
    t.is(world.clock.pending, 0);
  }
});

test('a person who restarts a frozen one waits for the new process', async (t) => {
  const { world, handle } = await frozen(t);
  const done = world.instance.restart('a person');
  await turn();
  t.true(handle.gone);
  await world.becomeReady();
  await done;
  t.is(world.instance.state, 'ready');
});

test('its death while frozen is followed by a start, as from ready', async (t) => {
  const { world, handle } = await frozen(t);
  handle.exit(null, 'SIGKILL');
  await turn();
  t.is(world.instance.state, 'starting');
  t.is(world.launches.length, 2);
  await world.becomeReady();
  t.is(world.instance.state, 'ready');
});

test('its death during the thaw: who waits is answered by the next process', async (t) => {
  const { world, freezer, handle } = await frozen(t);
  const slow = gate();
  freezer.until = slow.promise;
  const wanted = world.instance.acquire(never());
  await turn();
  handle.exit(null, 'SIGKILL');
  await turn();
  slow.open();
  const next = await world.becomeReady();
  t.is((await wanted).handle, next);
});

test('one that cannot be frozen is stopped, and the reason told', async (t) => {
  const { world, freezer, lease } = await ready();
  freezer.broken = true;
  lease.release();
  await world.clock.advanceAsync(IDLE_MS);
  t.deepEqual(world.transitions.slice(-3), ['ready>frozen', 'frozen>stopping', 'stopping>stopped']);
  t.regex(world.instance.lastProblem ?? '', /could not be frozen: .*broken/);
});

test('one that cannot be thawed is replaced, and who waits gets the next process', async (t) => {
  const { world, freezer, handle } = await frozen(t);
  freezer.broken = true;
  const wanted = world.instance.acquire(never());
  await turn();
  t.true(handle.gone);
  const next = await world.becomeReady();
  t.is((await wanted).handle, next);
});

test('a process without a freezer is stopped', async (t) => {
  const world = new InstanceWorld({ timings: { freezeMs: 0 } });
  const { lease } = await world.awake(new FakeHandle());
  lease.release();
  await world.clock.advanceAsync(IDLE_MS);
  t.is(world.instance.state, 'stopped');
});

test('a config that stops what is idle ends the frozen ones, too', async (t) => {
  const { world } = await frozen(t);
  world.timings = { ...world.timings, freezeMs: undefined };
  world.instance.rearm();
  await world.clock.advanceAsync(0);
  t.is(world.instance.state, 'stopped');
});

test('a shorter freeze_timeout counts from the freeze', async (t) => {
  const { world } = await frozen(t);
  await world.clock.advanceAsync(50_000);
  world.timings = { ...world.timings, freezeMs: 60_000 };
  world.instance.rearm();
  await world.clock.advanceAsync(10_000);
  t.is(world.instance.state, 'stopped');
});

test('found frozen: stays so, whole, until somebody asks', async (t) => {
  const world = new InstanceWorld({ timings: { freezeMs: 0 } });
  const freezer = new FakeFreezer();
  const found = new FakeHandle({ freezer });
  world.handles.push(found);
  world.instance.adopt(found, true);
  await turn();
  t.is(world.instance.state, 'frozen');
  t.deepEqual(freezer.calls, ['freeze']);
  const lease = await world.instance.acquire(never());
  t.is(lease.handle, found);
  t.is(world.probes.length, 0);
  t.is(world.instance.condition, 'healthy');
});

test('found frozen by a server that does not freeze any more: thawed, then looked at', async (t) => {
  const world = new InstanceWorld();
  const freezer = new FakeFreezer();
  freezer.held = true;
  const found = new FakeHandle({ freezer });
  world.handles.push(found);
  world.instance.adopt(found, true);
  await turn();
  t.false(freezer.held);
  world.lastProbe().pass();
  await turn();
  t.is(world.instance.state, 'ready');
});
