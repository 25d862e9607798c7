import test, { type ExecutionContext } from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { FakeHandle } from '../../helpers/fake-handle.js';
import { InstanceWorld, turn } from '../../helpers/instance-world.js';

const never = () => new AbortController().signal;
const why = () => new TenementError('stopped');

async function code(t: ExecutionContext, work: Promise<unknown>): Promise<string> {
  const error = await t.throwsAsync(work, { instanceOf: TenementError });
  return error?.code ?? '';
}

/** Whether `work` has settled by now. */
async function settled(work: Promise<unknown>): Promise<boolean> {
  let done = false;
  void work.then(
    () => {
      done = true;
    },
    () => {
      done = true;
    },
  );
  await turn();
  return done;
}

test('a stop during the start aborts it, refuses who waits, and leaves no process of a launch that came through after all', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  const stopped = world.instance.stop('on-demand', why());
  t.is(await code(t, wanted), 'stopped');
  t.true(world.lastLaunch().signal.aborted);
  t.false(await settled(stopped), 'not before it is known what became of the launch');
  const late = world.lastLaunch().succeed();
  await stopped;
  t.true(late.gone);
  t.deepEqual(world.gone, [late], 'its port and its ref are given back');
  t.is(world.probes.length, 0, 'nobody asks whether it is ready');
  t.is(world.instance.state, 'stopped');
});

test('a stop during the start whose launch then fails ends it, too', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  const stopped = world.instance.stop('on-demand', why());
  t.is(await code(t, wanted), 'stopped');
  world.lastLaunch().fail();
  await stopped;
  t.is(world.instance.state, 'stopped');
  t.is(world.instance.deaths, 0, 'a start that was called off is no death');
});

test('a request after a stop during the start gets a second launch, after the first has ended', async (t) => {
  const world = new InstanceWorld();
  t.is(world.instance.state, 'stopped');
  const first = world.instance.acquire(never());
  await turn();
  const stopped = world.instance.stop('on-demand', why());
  t.is(await code(t, first), 'stopped');
  const second = world.instance.acquire(never());
  await turn();
  t.is(world.launches.length, 1);
  world.lastLaunch().succeed();
  await stopped;
  await world.becomeReady();
  await second;
  t.is(world.launches.length, 2);
  t.is(world.alive, 1);
});

test('a stop lets open requests end, then kills; a second stop waits for the same end', async (t) => {
  const world = new InstanceWorld();
  const { handle, lease } = await world.awake();
  const stops = [world.instance.stop('on-demand', why()), world.instance.stop('on-demand', why())];
  await turn();
  t.is(world.instance.state, 'draining');
  t.deepEqual(handle.stops, []);
  t.false(lease.closing.aborted);
  lease.release();
  await Promise.all(stops);
  t.deepEqual(handle.stops, [10_000]);
  t.is(world.clock.pending, 0);
});

test('after drain_timeout what is still open is told to end, and the process is stopped', async (t) => {
  const world = new InstanceWorld();
  const { lease } = await world.awake();
  const stopped = world.instance.stop('on-demand', why());
  await world.clock.advanceAsync(29_999);
  t.false(lease.closing.aborted);
  await world.clock.advanceAsync(1);
  await stopped;
  t.true(lease.closing.aborted);
  t.true(lease.closing.reason instanceof TenementError);
  lease.release();
  t.is(world.instance.inFlight, 0);
});

test('a process that ends by itself while it drains ends the stop', async (t) => {
  const world = new InstanceWorld();
  const { handle } = await world.awake();
  const stopped = world.instance.stop('on-demand', why());
  handle.exit(0);
  await stopped;
  t.is(world.instance.state, 'stopped');
  t.is(world.instance.deaths, 0);
});

test('a request during a drain waits and gets a new process', async (t) => {
  const world = new InstanceWorld();
  const { lease } = await world.awake();
  const stopped = world.instance.stop('on-demand', why());
  const wanted = world.instance.acquire(never());
  t.false(await settled(wanted));
  lease.release();
  await stopped;
  const next = await world.becomeReady();
  t.is((await wanted).handle, next);
});

test('restart: drains, stops, starts; resolves when the new one is ready', async (t) => {
  const world = new InstanceWorld();
  const { handle, lease } = await world.awake();
  const restarted = world.instance.restart('test');
  t.false(await settled(restarted));
  lease.release();
  const next = await world.becomeReady();
  await restarted;
  t.true(handle.gone);
  t.not(next, handle);
  t.is(world.instance.handle, next);
});

test('restart during a start: the first launch is called off, who waits gets the second', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  const restarted = world.instance.restart('test');
  world.lastLaunch().succeed();
  const next = await world.becomeReady();
  await restarted;
  t.is((await wanted).handle, next);
  t.is(world.alive, 1);
});

test('start during a stop: one new process after the old one', async (t) => {
  const world = new InstanceWorld();
  const old = new FakeHandle({ holds: true });
  (await world.awake(old)).lease.release();
  const stopped = world.instance.stop('down', why());
  const started = world.instance.start('on-demand');
  await turn();
  t.is(world.launches.length, 1);
  old.letGo();
  await stopped;
  await world.becomeReady();
  await started;
  t.is(world.instance.want, 'on-demand', 'a start ends the hold');
});

test('a hold refuses requests until a start; disabled refuses a start as well', async (t) => {
  const world = new InstanceWorld();
  (await world.awake()).lease.release();
  await world.instance.stop('down', why());
  t.is(await code(t, world.instance.acquire(never())), 'held');
  await world.instance.stop('disabled', why());
  t.is(await code(t, world.instance.acquire(never())), 'disabled');
  t.is(await code(t, world.instance.start('on-demand')), 'disabled');
  t.is(await code(t, world.instance.restart('test')), 'disabled');
  t.is(world.launches.length, 1);
  world.instance.setWant('on-demand');
  const wanted = world.instance.acquire(never());
  await world.becomeReady();
  await wanted;
});

test('disable while a request waits for the end of a stop refuses it instead of leaving it hanging', async (t) => {
  const world = new InstanceWorld();
  const old = new FakeHandle({ holds: true });
  (await world.awake(old)).lease.release();
  const first = world.instance.stop('on-demand', why());
  const wanted = world.instance.acquire(never());
  const second = world.instance.stop('disabled', new TenementError('disabled'));
  t.is(await code(t, wanted), 'disabled');
  old.letGo();
  await Promise.all([first, second]);
  t.is(world.instance.state, 'stopped');
  t.is(world.launches.length, 1);
});

for (const when of ['ready', 'starting', 'stopped', 'stopping'] as const) {
  test(`what is to be done while nothing runs is done before a new process: stop in ${when}`, async (t) => {
    const world = new InstanceWorld();
    let letGo = () => {};
    if (when === 'ready' || when === 'stopping') {
      const old = new FakeHandle({ holds: true });
      (await world.awake(old)).lease.release();
      letGo = () => old.letGo();
    }
    if (when === 'stopping') void world.instance.stop('on-demand', why());
    if (when === 'starting') {
      const first = world.instance.acquire(never());
      await turn();
      const launch = world.lastLaunch();
      letGo = () => launch.fail();
      first.catch(() => {});
    }
    const before = world.launches.length;
    let finish = () => {};
    const purging = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let purged = 0;
    const stopped = world.instance.stop('on-demand', why(), async () => {
      t.is(world.alive, 0, 'nothing runs');
      await purging;
      purged += 1;
    });
    const wanted = world.instance.acquire(never());
    await turn();
    letGo();
    await turn();
    t.is(world.launches.length, before, 'no launch while it is done');
    finish();
    await stopped;
    t.is(purged, 1);
    await world.becomeReady();
    await wanted;
    t.is(world.launches.length, before + 1);
  });
}

test('two stops: what each wants done is done, and a failure is told to its own caller only', async (t) => {
  const world = new InstanceWorld();
  (await world.awake()).lease.release();
  let done = false;
  const first = world.instance.stop('on-demand', why(), () => Promise.reject(new Error('EBUSY')));
  const second = world.instance.stop('on-demand', why(), async () => {
    done = true;
  });
  await t.throwsAsync(first, { message: 'EBUSY' });
  await second;
  t.true(done);
  const wanted = world.instance.acquire(never());
  await world.becomeReady();
  await wanted;
});

test('shutdown in every state leaves nothing and nothing starts afterwards', async (t) => {
  const scenes: Record<string, (world: InstanceWorld) => Promise<unknown>> = {
    stopped: async () => {},
    starting: async (world) => {
      world.instance.acquire(never()).catch(() => {});
      await turn();
    },
    ready: async (world) => (await world.awake()).lease.release(),
    suspect: async (world) => (await world.awake()).lease.suspect(),
    draining: async (world) => {
      await world.awake();
      void world.instance.stop('on-demand', why());
    },
    backoff: async (world) => {
      const wanted = world.instance.acquire(never());
      await turn();
      world.lastLaunch().fail();
      await t.throwsAsync(wanted);
    },
  };
  for (const [name, scene] of Object.entries(scenes)) {
    const world = new InstanceWorld();
    await scene(world);
    const down = world.instance.shutdown();
    if (name === 'starting') world.lastLaunch().succeed();
    await world.clock.advanceAsync(30_000);
    await down;
    t.is(world.instance.state, 'stopped', name);
    t.is(world.alive, 0, name);
    t.is(world.clock.pending, 0, name);
    const launches = world.launches.length;
    t.is(await code(t, world.instance.acquire(never())), 'shutting_down', name);
    t.is(await code(t, world.instance.start('up')), 'shutting_down', name);
    t.is(await code(t, world.instance.restart('test')), 'shutting_down', name);
    t.is(world.launches.length, launches, name);
  }
});

/** It runs, and nobody has a lease. */
async function idle(world: InstanceWorld): Promise<FakeHandle> {
  const { handle, lease } = await world.awake();
  lease.release();
  return handle;
}

test('what cannot be ended while systemd is away is ended when it is back', async (t) => {
  const world = new InstanceWorld();
  const handle = await idle(world);
  handle.unstoppable = new TenementError('systemd_away');
  await world.instance.stop('down', why());
  t.is(world.instance.state, 'stopped');
  await world.clock.advanceAsync(20_000);
  t.true(handle.stops.length > 1);
  t.deepEqual(world.gone, []);
  handle.unstoppable = undefined;
  await world.clock.advanceAsync(5000);
  t.deepEqual(world.gone, [handle]);
  const { length } = handle.stops;
  await world.clock.advanceAsync(60_000);
  t.is(handle.stops.length, length, 'once');
});

test('what could not be ended is left to the start that came before', async (t) => {
  const world = new InstanceWorld();
  const handle = await idle(world);
  handle.unstoppable = new TenementError('systemd_away');
  await world.instance.stop('on-demand', why());
  const wanted = world.instance.acquire(never());
  await turn();
  // A launch ends what an earlier one has left; here it takes longer than the pause between two tries.
  await world.clock.advanceAsync(20_000);
  t.is(handle.stops.length, 1);
  await world.becomeReady();
  (await wanted).release();
  await world.clock.advanceAsync(20_000);
  t.is(handle.stops.length, 1);
  t.is(world.instance.state, 'ready');
});

test('what cannot be ended for another reason is not tried again', async (t) => {
  const world = new InstanceWorld();
  const handle = await idle(world);
  handle.unstoppable = new Error('it does not let go');
  await world.instance.stop('on-demand', why());
  await world.clock.advanceAsync(60_000);
  t.is(handle.stops.length, 1);
});
