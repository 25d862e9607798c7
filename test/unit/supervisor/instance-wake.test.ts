import test, { type ExecutionContext } from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import type { InstanceLease } from '../../../src/supervisor/instance.js';
import { FakeHandle } from '../../helpers/fake-handle.js';
import { InstanceWorld, turn } from '../../helpers/instance-world.js';

const never = () => new AbortController().signal;
const times = <T>(n: number, make: () => T): T[] => Array.from({ length: n }, make);

/** The code that `work` is refused with. */
async function code(t: ExecutionContext, work: Promise<unknown>): Promise<string> {
  const error = await t.throwsAsync(work, { instanceOf: TenementError });
  return error?.code ?? '';
}

test('20 requests to a sleeping instance: one launch, 20 leases', async (t) => {
  const world = new InstanceWorld();
  const all = times(20, () => world.instance.acquire(never()));
  const handle = await world.becomeReady();
  const leases = await Promise.all(all);
  t.is(world.launches.length, 1);
  t.true(leases.every((lease) => lease.handle === handle));
  t.is(world.instance.inFlight, 20);
});

test('50 ask, 49 leave during the start: one launch, one lease, and it sleeps later', async (t) => {
  const world = new InstanceWorld();
  const left = times(49, () => {
    const client = new AbortController();
    return { client, wanted: world.instance.acquire(client.signal) };
  });
  const stays = world.instance.acquire(never());
  await turn();
  for (const { client, wanted } of left) {
    client.abort(new Error('gone'));
    await t.throwsAsync(wanted, { message: 'gone' });
  }
  t.is(world.instance.waiting, 1);
  await world.becomeReady();
  (await stays).release();
  t.is(world.launches.length, 1);
  await world.clock.advanceAsync(300_000);
  t.is(world.instance.state, 'stopped');
  t.is(world.alive, 0);
  t.is(world.clock.pending, 0, 'no timer is left behind');
});

test('who has left before he asks wakes nothing', async (t) => {
  const world = new InstanceWorld();
  await t.throwsAsync(world.instance.acquire(AbortSignal.abort(new Error('gone'))), { message: 'gone' });
  await turn();
  t.is(world.launches.length, 0);
  t.is(world.instance.state, 'stopped');
});

test('when all who asked have left, the start goes on and the instance sleeps after its idle time', async (t) => {
  const world = new InstanceWorld();
  const client = new AbortController();
  const wanted = world.instance.acquire(client.signal);
  client.abort(new Error('gone'));
  await t.throwsAsync(wanted);
  await world.becomeReady();
  t.is(world.instance.state, 'ready');
  await world.clock.advanceAsync(300_000);
  t.is(world.instance.state, 'stopped');
});

test('20 requests while it is being stopped are answered by one new process', async (t) => {
  const world = new InstanceWorld();
  const old = new FakeHandle({ holds: true });
  const { lease } = await world.awake(old);
  lease.release();
  const stopped = world.instance.stop('on-demand', new TenementError('stopped'));
  const all = times(20, () => world.instance.acquire(never()));
  await turn();
  t.is(world.instance.state, 'stopping');
  t.is(world.launches.length, 1, 'never a second process beside the first');
  old.letGo();
  await stopped;
  await world.becomeReady();
  await Promise.all(all);
  t.is(world.launches.length, 2);
  t.is(world.alive, 1);
});

test('a launch that fails answers all who wait, with its reason; the next one waits for the back-off and gets a new try', async (t) => {
  const world = new InstanceWorld();
  const all = times(3, () => world.instance.acquire(never()));
  await turn();
  world.lastLaunch().fail();
  for (const wanted of all) t.is(await code(t, wanted), 'start_failed');
  t.is(world.instance.state, 'backoff');
  const next = world.instance.acquire(never());
  await world.clock.advanceAsync(1000);
  await world.becomeReady();
  await next;
  t.is(world.launches.length, 2);
});

test('an exit before ready answers at once, without waiting for the deadline', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  world.lastLaunch().succeed().exit(3);
  const error = await t.throwsAsync(wanted, { instanceOf: TenementError });
  t.regex(error?.message ?? '', /exited with code 3/);
  t.true(world.lastProbe().signal.aborted, 'nothing asks the dead process any more');
  await turn();
  t.is(world.gone.length, 1, 'its port and ref are given back');
});

test('a process that had already ended when the launch resolved is a failed start', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  const dead = new FakeHandle();
  dead.exit(1);
  world.lastLaunch().succeed(dead);
  t.is(await code(t, wanted), 'start_failed');
});

test('last lines that cannot be read do not hide the exit', async (t) => {
  const world = new InstanceWorld();
  world.onExit = () => Promise.reject(new Error('disk full'));
  const wanted = world.instance.acquire(never());
  await turn();
  world.lastLaunch().succeed().exit(1);
  t.is(await code(t, wanted), 'start_failed');
});

test('a probe that breaks is an answer', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  world.lastLaunch().succeed();
  await turn();
  world.lastProbe().break();
  t.is(await code(t, wanted), 'internal');
  t.is(world.alive, 0);
});

test('a transition that cannot be recorded is still carried out', async (t) => {
  const world = new InstanceWorld();
  world.onTransition = () => {
    throw new Error('disk full');
  };
  const { lease } = await world.awake();
  lease.release();
  await world.instance.stop('on-demand', new TenementError('stopped'));
  t.is(world.instance.state, 'stopped');
  t.is(world.alive, 0);
});

test('who waits in a start that never ends gets an answer of his own', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await world.clock.advanceAsync(90_000);
  t.is(await code(t, wanted), 'start_timeout');
});

test('more than 1024 waiters: the next is refused at once', async (t) => {
  const world = new InstanceWorld();
  const all = times(1024, () => world.instance.acquire(never()));
  t.is(await code(t, world.instance.acquire(never())), 'queue_full');
  await world.becomeReady();
  await Promise.all(all);
});

test('the idle clock begins when the LAST lease ends', async (t) => {
  const world = new InstanceWorld({ timings: { idleMs: 1000 } });
  const { lease: first } = await world.awake();
  const second: InstanceLease = await world.instance.acquire(never());
  await world.clock.advanceAsync(5000);
  first.release();
  await world.clock.advanceAsync(5000);
  t.is(world.instance.state, 'ready');
  second.release();
  await world.clock.advanceAsync(999);
  t.is(world.instance.state, 'ready');
  await world.clock.advanceAsync(1);
  t.is(world.instance.state, 'stopped');
});

test('health checks are not activity', async (t) => {
  const world = new InstanceWorld({ timings: { idleMs: 60_000 } });
  (await world.awake()).lease.release();
  await world.clock.advanceAsync(60_000);
  t.true(world.healthChecks >= 4);
  t.is(world.instance.state, 'stopped');
  const checks = world.healthChecks;
  await world.clock.advanceAsync(60_000);
  t.is(world.healthChecks, checks, 'the checks end with the process');
});

test('a service without idle time never sleeps, and is wanted up from then on', async (t) => {
  const world = new InstanceWorld({ timings: { idleMs: 0 } });
  (await world.awake()).lease.release();
  await world.clock.advanceAsync(10_000_000);
  t.is(world.instance.state, 'ready');
  t.deepEqual(world.wants, ['up']);
});

test('a shorter idle time takes effect without a restart', async (t) => {
  const world = new InstanceWorld();
  (await world.awake()).lease.release();
  await world.clock.advanceAsync(1000);
  world.timings = { ...world.timings, idleMs: 1500 };
  world.instance.rearm();
  await world.clock.advanceAsync(500);
  t.is(world.instance.state, 'stopped');
});
