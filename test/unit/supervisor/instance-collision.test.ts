import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { FakeHandle } from '../../helpers/fake-handle.js';
import { InstanceWorld, turn } from '../../helpers/instance-world.js';

const never = () => new AbortController().signal;
/** A process that finds another program on its port. */
const colliding = (holds = false) => new FakeHandle({ holds, listener: async () => 'stranger' });

test('who waits for one that gives up as its port is taken gets the next one; it is told and counted', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  world.lastLaunch().succeed(colliding()).exit(1);
  await turn();
  t.is(world.instance.state, 'starting');
  t.is(world.instance.waiting, 1);
  t.is(world.launches.length, 2);
  const next = await world.becomeReady();
  t.is((await wanted).handle, next);
  t.is(world.instance.deaths, 1);
  t.regex(world.instance.lastProblem ?? '', /another program listens on port 1,/);
  t.deepEqual(world.transitions, ['stopped>starting', 'starting>starting', 'starting>ready']);
});

test('the next start waits until nothing of the one that met somebody is left, and its port with it', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  const first = world.lastLaunch().succeed(colliding(true));
  await turn();
  world.lastProbe().fail('taken', 'port_taken');
  await turn();
  t.is(world.instance.state, 'starting');
  t.is(world.launches.length, 1);
  first.letGo();
  await turn();
  t.deepEqual(world.gone, [first]);
  const next = await world.becomeReady();
  t.is((await wanted).handle, next);
});

test('what is still asked of the first process is no answer for the second', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  world.lastLaunch().succeed(colliding());
  await turn();
  const old = world.lastProbe();
  world.handles[0]?.exit(1);
  await turn();
  t.true(old.signal.aborted);
  const second = world.lastLaunch().succeed();
  old.pass();
  await turn();
  t.is(world.instance.state, 'starting', 'the old one was asked');
  world.lastProbe().pass();
  t.is((await wanted).handle, second);
});

test('a collision that is told twice, by the probe and by the exit, is one', async (t) => {
  const world = new InstanceWorld();
  const wanted = world.instance.acquire(never());
  await turn();
  const first = world.lastLaunch().succeed(colliding());
  await turn();
  world.lastProbe().fail('taken', 'port_taken');
  first.exit(1);
  await turn();
  t.is(world.launches.length, 2);
  t.is(world.instance.deaths, 1);
  await world.becomeReady();
  (await wanted).release();
});

test('three ports in a row that are taken: who waits is told, and the next start backs off', async (t) => {
  const world = new InstanceWorld();
  const wanted = t.throwsAsync(world.instance.acquire(never()), { instanceOf: TenementError });
  for (let start = 1; start <= 3; start += 1) {
    await turn();
    t.is(world.launches.length, start);
    world.lastLaunch().succeed(colliding()).exit(1);
  }
  t.is((await wanted)?.code, 'port_taken');
  t.is(world.instance.state, 'backoff');
  t.is(world.instance.deaths, 3);
  t.is(world.launches.length, 3);
});

test('a stop between two of its starts ends it', async (t) => {
  const world = new InstanceWorld();
  const wanted = t.throwsAsync(world.instance.acquire(never()), { instanceOf: TenementError });
  await turn();
  const first = world.lastLaunch().succeed(colliding(true));
  await turn();
  world.lastProbe().fail('taken', 'port_taken');
  await turn();
  const stopped = world.instance.stop('down', new TenementError('stopped'));
  t.is((await wanted)?.code, 'stopped');
  first.letGo();
  await stopped;
  t.is(world.launches.length, 1);
  t.is(world.instance.state, 'stopped');
});
