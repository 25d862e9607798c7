/** The wall clock is set an hour ahead or back under a running instance: nothing happens early or late. */
import test, { type ExecutionContext } from 'ava';
import { FakeFreezer, FakeHandle } from '../../helpers/fake-handle.js';
import { InstanceWorld, turn } from '../../helpers/instance-world.js';

const HOUR_MS = 3_600_000;
const IDLE_MS = 300_000;
const WINDOW_MS = 300_000;
const HEALTH_MS = 10_000;
const FREEZE_MS = 600_000;
const BACKOFF_MS = 1000;

const never = () => new AbortController().signal;

/** For both directions. `step` sets the clock. */
function stepped(
  what: string,
  run: (t: ExecutionContext, world: InstanceWorld, step: () => void) => Promise<void>,
) {
  for (const ms of [HOUR_MS, -HOUR_MS]) {
    test(`${what}, when the clock is set an hour ${ms > 0 ? 'ahead' : 'back'}`, async (t) => {
      const world = new InstanceWorld({ timings: { freezeMs: undefined } });
      await run(t, world, () => world.clock.stepWall(ms));
    });
  }
}

/** Whole just before `ms` have passed, over then; the clock is set half-way and the timers are armed anew, as by a reload. */
async function lasts(t: ExecutionContext, world: InstanceWorld, ms: number, step: () => void) {
  const { state } = world.instance;
  await world.clock.advanceAsync(ms / 2);
  step();
  world.instance.rearm();
  await world.clock.advanceAsync(ms / 2 - 1);
  t.is(world.instance.state, state);
  await world.clock.advanceAsync(1);
  t.not(world.instance.state, state);
}

stepped('idle_timeout is what it is', async (t, world, step) => {
  (await world.awake()).lease.release();
  await lasts(t, world, IDLE_MS, step);
});

stepped('idle_timeout begins with the end of the last request, told later', async (t, world, step) => {
  const { lease } = await world.awake();
  await world.clock.advanceAsync(HOUR_MS);
  const endedAt = world.clock.monotonic();
  step();
  await world.clock.advanceAsync(200);
  lease.release(endedAt);
  t.is(world.instance.idleMs, 200);
  await world.clock.advanceAsync(IDLE_MS - 201);
  t.is(world.instance.state, 'ready');
  await world.clock.advanceAsync(1);
  t.is(world.instance.state, 'stopped');
});

stepped('freeze_timeout is what it is', async (t, world, step) => {
  world.timings = { ...world.timings, freezeMs: FREEZE_MS };
  const { lease } = await world.awake(new FakeHandle({ freezer: new FakeFreezer() }));
  lease.release();
  await world.clock.advanceAsync(IDLE_MS);
  t.is(world.instance.state, 'frozen');
  await lasts(t, world, FREEZE_MS, step);
});

stepped('the back-off is what it is, for a request as for the timer', async (t, world, step) => {
  (await world.awake()).handle.exit(1);
  (await world.becomeReady()).exit(1);
  await turn();
  t.is(world.instance.state, 'backoff');
  step();
  const wanted = world.instance.acquire(never());
  await world.clock.advanceAsync(BACKOFF_MS - 1);
  t.is(world.instance.state, 'backoff');
  await world.clock.advanceAsync(1);
  t.is(world.instance.state, 'starting');
  await world.becomeReady();
  (await wanted).release();
});

stepped('a back-off that is over keeps nobody waiting', async (t, world, step) => {
  (await world.awake()).handle.exit(1);
  (await world.becomeReady()).exit(1);
  await turn();
  await world.clock.advanceAsync(BACKOFF_MS);
  t.is(world.instance.state, 'backoff', 'nobody waits for it');
  step();
  const wanted = world.instance.acquire(never());
  t.is(world.instance.state, 'starting');
  await world.becomeReady();
  (await wanted).release();
});

stepped('a death counts for the restart window', async (t, world, step) => {
  (await world.awake()).handle.exit(1);
  await world.becomeReady();
  world.timings = { ...world.timings, idleMs: 0 };
  world.instance.rearm();
  step();
  await world.clock.advanceAsync(WINDOW_MS - 1);
  t.is(world.instance.deaths, 1);
  await world.clock.advanceAsync(1);
  t.is(world.instance.deaths, 0);
});

stepped('what has failed is refused until the window has passed', async (t, world, step) => {
  world.timings = { ...world.timings, restart: { ...world.timings.restart, maxRestarts: 0 } };
  (await world.awake()).handle.exit(1);
  await turn();
  t.is(world.instance.state, 'failed');
  step();
  await world.clock.advanceAsync(WINDOW_MS - 1);
  t.is(world.instance.refusal?.code, 'failed');
  await world.clock.advanceAsync(1);
  t.is(world.instance.refusal, undefined);
});

stepped('health is checked at its interval, give or take its tenth', async (t, world, step) => {
  await world.awake();
  step();
  await world.clock.advanceAsync(0.9 * HEALTH_MS - 1);
  t.is(world.healthChecks, 0);
  await world.clock.advanceAsync(0.2 * HEALTH_MS + 1);
  t.is(world.healthChecks, 1);
});

stepped('uptime is what it is, also of an adopted one', async (t, world, step) => {
  world.instance.adopt(new FakeHandle(), false, 5000);
  await turn();
  world.lastProbe().pass();
  await turn();
  step();
  await world.clock.advanceAsync(2000);
  t.is(world.instance.uptimeMs, 7000);
});
