import { getEventListeners } from 'node:events';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { Gate } from '../../../src/supervisor/gate.js';
import { FakeClock } from '../../helpers/fake-clock.js';

function gate() {
  const clock = new FakeClock();
  return { clock, gate: new Gate(clock) };
}

test('proceeds: open lets everyone through, first come first, each with his own claim', async (t) => {
  const { gate: door, clock } = gate();
  const order: number[] = [];
  const claim = (n: number) => () => {
    order.push(n);
    return n;
  };
  const all = [1, 2, 3].map((n) => door.wait(claim(n), 1000));
  t.is(door.size, 3);
  door.open();
  t.deepEqual(order, [1, 2, 3], 'claimed inside open, before anything else can happen');
  t.deepEqual(await Promise.all(all), [1, 2, 3]);
  t.is(door.size, 0);
  t.is(clock.pending, 0);
});

test('refused: everyone gets the cause, and claims nothing', async (t) => {
  const { gate: door, clock } = gate();
  const cause = new TenementError('held');
  const waits = door.wait(() => t.fail(), 1000);
  door.refuse(cause);
  t.is(await t.throwsAsync(waits), cause);
  t.is(clock.pending, 0);
});

test('timed out: after his own budget, and only he', async (t) => {
  const { gate: door, clock } = gate();
  const short = door.wait(() => 'short', 1000);
  const long = door.wait(() => 'long', 2000);
  clock.advance(1000);
  const error = await t.throwsAsync(short, { instanceOf: TenementError });
  t.is(error?.code, 'start_timeout');
  t.is(door.size, 1);
  door.open();
  t.is(await long, 'long');
});

test('left: whoever hangs up is dropped with his own reason; the others stay', async (t) => {
  const { gate: door, clock } = gate();
  const client = new AbortController();
  const waits = door.wait(() => t.fail(), 1000, client.signal);
  const stays = door.wait(() => 'through', 1000);
  client.abort(new Error('hung up'));
  t.is(door.size, 1);
  await t.throwsAsync(waits, { message: 'hung up' });
  door.open();
  t.is(await stays, 'through');
  t.is(clock.pending, 0);
});

test('left before he came: never waits', async (t) => {
  const { gate: door, clock } = gate();
  await t.throwsAsync(
    door.wait(() => t.fail(), 1000, AbortSignal.abort(new Error('hung up'))),
    { message: 'hung up' },
  );
  t.is(door.size, 0);
  t.is(clock.pending, 0);
});

test('the first outcome counts, and no listener stays on the caller’s signal', async (t) => {
  const { gate: door, clock } = gate();
  const client = new AbortController();
  const waits = door.wait(() => 'through', 1000, client.signal);
  door.open();
  door.refuse(new Error('late'));
  client.abort();
  clock.advance(5000);
  t.is(await waits, 'through');
  t.is(getEventListeners(client.signal, 'abort').length, 0);
});

test('who comes while it opens waits for the next time', async (t) => {
  const { gate: door } = gate();
  let second: Promise<string> | undefined;
  const first = door.wait(() => {
    second = door.wait(() => 'second', 1000);
    return 'first';
  }, 1000);
  door.open();
  t.is(await first, 'first');
  t.is(door.size, 1);
  door.open();
  t.is(await second, 'second');
});

test('a claim that throws is the answer of its own caller; the others get through', async (t) => {
  const { gate: door } = gate();
  const bad = door.wait(() => {
    throw new Error('no process');
  }, 1000);
  const good = door.wait(() => 'through', 1000);
  t.notThrows(() => door.open());
  await t.throwsAsync(bad, { message: 'no process' });
  t.is(await good, 'through');
});
