import test, { type ExecutionContext } from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { FakeHandle } from '../../helpers/fake-handle.js';
import { InstanceWorld, turn } from '../../helpers/instance-world.js';

const never = () => new AbortController().signal;

async function code(t: ExecutionContext, work: Promise<unknown>): Promise<string> {
  const error = await t.throwsAsync(work, { instanceOf: TenementError });
  return error?.code ?? '';
}

test('a first death from ready restarts at once and requests wait; the next backs off; too many: failed until the window has passed', async (t) => {
  const world = new InstanceWorld();
  (await world.awake()).handle.exit(1);
  const waits = world.instance.acquire(never());
  const second = await world.becomeReady();
  (await waits).release();

  second.exit(1);
  await turn();
  t.is(world.instance.state, 'backoff');
  for (const delay of [1000, 2000]) {
    const wanted = world.instance.acquire(never());
    await world.clock.advanceAsync(delay - 1);
    t.is(world.instance.state, 'backoff');
    await world.clock.advanceAsync(1);
    const next = await world.becomeReady();
    await wanted;
    next.exit(1);
    await turn();
  }
  t.is(world.instance.state, 'failed');
  t.is(world.instance.deaths, 4);
  const launches = world.launches.length;
  t.is(await code(t, world.instance.acquire(never())), 'failed');
  t.is(world.launches.length, launches);

  await world.clock.advanceAsync(300_000);
  const recovered = world.instance.acquire(never());
  await world.becomeReady();
  (await recovered).release();
  t.is(world.instance.state, 'ready', 'by itself, on the next request');
});

test('a person may start a failed one at once, and its deaths are forgotten', async (t) => {
  const world = new InstanceWorld({ timings: { restart: { ...restart, maxRestarts: 0 } } });
  (await world.awake()).handle.exit(1);
  await turn();
  t.is(world.instance.state, 'failed');
  const started = world.instance.start('on-demand');
  await world.becomeReady();
  await started;
  t.is(world.instance.deaths, 0);
});

const restart = {
  restart: 'on-failure',
  maxRestarts: 3,
  windowMs: 300_000,
  backoffBaseMs: 1000,
  backoffMaxMs: 60_000,
} as const;

test('a new process waits until nothing of the tree of the dead one is left', async (t) => {
  const world = new InstanceWorld();
  const old = new FakeHandle({ holds: true });
  await world.awake(old);
  old.exit(1);
  await turn();
  t.is(world.instance.state, 'starting');
  t.deepEqual(old.stops, [0], 'the rest of the tree is killed');
  t.is(world.launches.length, 1);
  old.letGo();
  await world.becomeReady();
  t.is(world.launches.length, 2);
});

test('leases of a dead process count no more for the new one, and their reports are not believed', async (t) => {
  const world = new InstanceWorld();
  const { handle, lease } = await world.awake();
  handle.exit(1);
  await turn();
  await world.becomeReady();
  t.is(world.instance.inFlight, 0);
  const current = await world.instance.acquire(never());
  lease.suspect();
  t.is(world.instance.inFlight, 1);
  t.is(world.instance.state, 'ready');
  current.release();
  lease.release();
  t.is(world.instance.inFlight, 0);
});

test('a broken connection: nobody gets through until it was looked at', async (t) => {
  const world = new InstanceWorld();
  const { handle, lease } = await world.awake();
  lease.suspect();
  const wanted = world.instance.acquire(never());
  await turn();
  t.is(world.lastProbe().kind, 'reconnect');
  t.is(world.instance.waiting, 1);
  world.lastProbe().pass();
  t.is((await wanted).handle, handle, 'it lives: the same process');
  t.is(world.launches.length, 1);
  t.is(world.instance.deaths, 0);
});

test('a broken connection and then the exit: who waits gets the new process; one death is counted', async (t) => {
  const world = new InstanceWorld();
  const { handle, lease } = await world.awake();
  lease.suspect();
  const wanted = world.instance.acquire(never());
  await turn();
  handle.exit(null, 'SIGKILL');
  await turn();
  t.true(world.lastProbe().signal.aborted);
  const next = await world.becomeReady();
  t.is((await wanted).handle, next);
  t.is(world.instance.deaths, 1);
});

test('a broken connection to one that no longer accepts any: it is replaced; one death is counted', async (t) => {
  const world = new InstanceWorld();
  const { handle, lease } = await world.awake();
  lease.suspect();
  const wanted = world.instance.acquire(never());
  await turn();
  world.lastProbe().fail();
  const next = await world.becomeReady();
  t.is((await wanted).handle, next);
  t.true(handle.gone);
  t.is(world.instance.deaths, 1);
});

test('a stop while a broken connection is looked at lets the other open requests end', async (t) => {
  const world = new InstanceWorld();
  const { lease } = await world.awake();
  const other = await world.instance.acquire(never());
  lease.suspect();
  const stopped = world.instance.stop('on-demand', new TenementError('stopped'));
  await turn();
  t.is(world.instance.state, 'draining');
  t.false(other.closing.aborted);
  other.release();
  await stopped;
});

test('three bad health checks: drained, replaced, one death', async (t) => {
  const world = new InstanceWorld();
  const { handle, lease } = await world.awake();
  lease.release();
  world.health = { kind: 'bad', reason: 'GET / answered 500' };
  await world.clock.advanceAsync(24_000);
  t.is(world.instance.condition, 'degraded');
  await world.clock.advanceAsync(12_000);
  t.true(handle.gone);
  t.is(world.instance.deaths, 1);
  t.is(world.instance.lastProblem, 'GET / answered 500');
  world.health = { kind: 'healthy' };
  await world.becomeReady();
  t.is(world.instance.state, 'ready');
  t.is(world.instance.condition, 'healthy');
});

test('who waits when the back-off gets longer than a wait may be is told so at once', async (t) => {
  const world = new InstanceWorld({
    timings: { restart: { ...restart, backoffBaseMs: 60_000 }, startupMs: 10_000 },
  });
  (await world.awake()).handle.exit(1);
  await turn();
  const { lease, handle } = {
    handle: await world.becomeReady(),
    lease: await world.instance.acquire(never()),
  };
  lease.suspect();
  const wanted = world.instance.acquire(never());
  await turn();
  handle.exit(1);
  t.is(await code(t, wanted), 'backoff');
  t.is(world.instance.state, 'backoff');
});

test('adopted: asked for its health, then ready; the same process', async (t) => {
  const world = new InstanceWorld();
  const found = new FakeHandle({ startedAt: 1 });
  world.handles.push(found);
  world.instance.adopt(found, false);
  const wanted = world.instance.acquire(never());
  await turn();
  t.is(world.lastProbe().kind, 'ready');
  world.lastProbe().pass();
  t.is((await wanted).handle, found);
  t.is(world.launches.length, 0);
});

test('adopted, but it never gets ready: killed, and a new one for who waits', async (t) => {
  const world = new InstanceWorld();
  const found = new FakeHandle();
  world.handles.push(found);
  world.instance.adopt(found, false);
  const wanted = world.instance.acquire(never());
  await turn();
  world.lastProbe().fail();
  const next = await world.becomeReady();
  t.true(found.gone);
  t.is((await wanted).handle, next);
});

for (const want of ['disabled', 'down'] as const) {
  test(`adopted while it is ${want}: stopped, never let through`, async (t) => {
    const world = new InstanceWorld({ want });
    const found = new FakeHandle({ holds: true });
    world.instance.adopt(found, false);
    t.is(await code(t, world.instance.acquire(never())), want === 'down' ? 'held' : 'disabled');
    found.letGo();
    await turn();
    t.is(world.instance.state, 'stopped');
    t.deepEqual(world.gone, [found]);
  });
}

test('a clean exit that nobody waits for: it sleeps', async (t) => {
  const world = new InstanceWorld();
  (await world.awake()).handle.exit(0);
  await turn();
  t.is(world.instance.state, 'stopped');
});

test('what we lack for a start is no death of the app: however often, the next request tries at once', async (t) => {
  const world = new InstanceWorld();
  const full = new TenementError('state_unusable', 'the disk is full');
  for (let i = 0; i < 10; i += 1) {
    const wanted = code(t, world.instance.acquire(never()));
    await turn();
    if (i % 2 === 0) world.lastLaunch().fail('start_failed', full);
    else world.lastLaunch().fail('systemd_away');
    t.is(await wanted, i % 2 === 0 ? 'start_failed' : 'systemd_away');
    t.is(world.instance.state, 'stopped');
  }
  t.is(world.instance.deaths, 0);
  t.is(world.instance.lastProblem, 'it cannot be started');
  (await world.awake()).lease.release();
  t.is(world.instance.state, 'ready');
});

test('one that is meant to be up is tried again until we have what we lacked', async (t) => {
  const world = new InstanceWorld({ want: 'up' });
  const started = code(t, world.instance.start('up'));
  await turn();
  world.lastLaunch().fail('state_unusable');
  t.is(await started, 'state_unusable');
  for (let i = 0; i < 10; i += 1) {
    t.is(world.instance.state, 'backoff');
    await world.clock.advanceAsync(10_000);
    t.is(world.instance.state, 'starting');
    world.lastLaunch().fail('state_unusable');
    await turn();
  }
  t.is(world.instance.deaths, 0);
  await world.clock.advanceAsync(10_000);
  await world.becomeReady();
  t.is(world.instance.state, 'ready');
});

test('one that could not be asked for at first is taken over when it can be, also while it waits for its next start', async (t) => {
  const world = new InstanceWorld({ want: 'up' });
  const started = code(t, world.instance.start('up'));
  await turn();
  world.lastLaunch().fail('systemd_away');
  await started;
  t.is(world.instance.state, 'backoff');
  world.instance.adopt(new FakeHandle(), false);
  await turn();
  world.lastProbe().pass();
  await turn();
  t.is(world.instance.state, 'ready');
  await world.clock.advanceAsync(60_000);
  t.is(world.launches.length, 1);
});
