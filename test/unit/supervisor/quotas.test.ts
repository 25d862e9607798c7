import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import type { InstanceKey } from '../../../src/base/names.js';
import { Quotas } from '../../../src/supervisor/quotas.js';
import { FakeClock } from '../../helpers/fake-clock.js';

const alice: InstanceKey = { service: 'notes', id: 'alice' };
const bob: InstanceKey = { service: 'notes', id: 'bob' };

function world(quota: number | undefined = 100) {
  const state = { used: 0, measured: 0, warnings: [] as string[], broken: false };
  const clock = new FakeClock();
  const quotas = new Quotas({
    clock,
    measure: async (key) => {
      state.measured += 1;
      if (state.broken && key.id === 'alice') throw new Error('vanished');
      return state.used;
    },
    quota: () => quota,
    awake: () => [alice, bob],
    warn: (key, message) => void state.warnings.push(`${key.id} ${message}`),
  });
  return { state, clock, quotas };
}

test('warns once at 80 % and once at 100 %, and again after it has fallen below', async (t) => {
  const { state, quotas } = world();
  const shares: number[] = [];
  for (const used of [79, 80, 90, 100, 120, 10, 85]) {
    state.used = used;
    const before = state.warnings.length;
    await quotas.measure(alice);
    if (state.warnings.length > before) shares.push(used);
  }
  t.deepEqual(shares, [80, 100, 85]);
  t.regex(state.warnings[1] ?? '', /100 % reached/);
});

test('at 100 % what would write is refused until a new measurement says otherwise', async (t) => {
  const { state, quotas, clock } = world();
  quotas.check(alice);
  state.used = 99;
  await quotas.measure(alice);
  quotas.check(alice);
  state.used = 100;
  await quotas.measure(alice);
  const error = t.throws(() => quotas.check(alice), { instanceOf: TenementError });
  t.is(error?.code, 'quota_exceeded');
  state.used = 50;
  t.throws(() => quotas.check(alice));
  await clock.advanceAsync(0);
  t.notThrows(() => quotas.check(alice), 'the refusal itself had a new measurement made');
});

test('without a quota nothing is measured by itself, warned of or refused', async (t) => {
  const quotas = new Quotas({
    clock: new FakeClock(),
    measure: async () => 1e12,
    quota: () => undefined,
    awake: () => [alice],
    warn: () => t.fail(),
  });
  t.is(await quotas.measure(alice), 1e12);
  t.notThrows(() => quotas.check(alice));
});

test('measures what is awake every 30 s; one that breaks keeps nobody else from it', async (t) => {
  const { state, clock, quotas } = world();
  state.broken = true;
  state.used = 42;
  await clock.advanceAsync(60_000);
  t.is(state.measured, 4);
  t.is(quotas.used(bob), 42);
  t.is(quotas.used(alice), undefined);
});

test('close ends it, also in the middle of a round', async (t) => {
  const clock = new FakeClock();
  let go: (used: number) => void = () => {};
  const quotas = new Quotas({
    clock,
    measure: () =>
      new Promise((resolve) => {
        go = resolve;
      }),
    quota: () => 1000,
    awake: () => [alice],
    warn: () => {},
  });
  await clock.advanceAsync(30_000);
  quotas.close();
  go(1);
  await clock.advanceAsync(0);
  t.is(clock.pending, 0);
});

test('forget', async (t) => {
  const { quotas } = world();
  await quotas.measure(alice);
  quotas.forget(alice);
  t.is(quotas.used(alice), undefined);
});
