import test from 'ava';
import { conditionOf, countFailures, describeAnswer, HealthLoop } from '../../../src/supervisor/health.js';
import type { HealthAnswer } from '../../../src/supervisor/readiness.js';
import { FakeClock } from '../../helpers/fake-clock.js';
import { turn } from '../../helpers/instance-world.js';

const bad: HealthAnswer = { kind: 'bad', reason: 'GET / answered 500' };

test('healthy -> degraded (1, 2) -> unhealthy (3)', (t) => {
  t.deepEqual([0, 1, 2, 3, 4].map(conditionOf), [
    'healthy',
    'degraded',
    'degraded',
    'unhealthy',
    'unhealthy',
  ]);
});

const cases: [HealthAnswer, boolean, number][] = [
  [{ kind: 'healthy' }, false, 0],
  [{ kind: 'healthy' }, true, 0],
  [bad, false, 3],
  [bad, true, 3],
  [{ kind: 'refused' }, false, 3],
  [{ kind: 'refused' }, true, 3],
  [{ kind: 'timeout' }, false, 3],
  [{ kind: 'timeout' }, true, 2],
];
for (const [answer, inFlight, after] of cases) {
  test(`2 failures, then ${answer.kind} ${inFlight ? 'with' : 'without'} a request in flight: ${after}`, (t) => {
    t.is(countFailures(2, answer, inFlight), after);
  });
}

test('every answer has words', (t) => {
  for (const [answer] of cases) t.not(describeAnswer(answer), '');
});

function loop(answers: HealthAnswer[], inFlight = () => false) {
  const clock = new FakeClock();
  const unhealthy: string[] = [];
  const asked: number[] = [];
  const health = new HealthLoop({
    clock,
    intervalMs: () => 10_000,
    ask: async () => {
      asked.push(clock.monotonic());
      return answers.shift() ?? { kind: 'healthy' };
    },
    inFlight,
    onUnhealthy: (why) => void unhealthy.push(why),
  });
  return { clock, health, unhealthy, asked };
}

test('three in a row are told once, with the reason, and end the loop', async (t) => {
  const { clock, health, unhealthy, asked } = loop([bad, { kind: 'healthy' }, bad, bad, bad, bad]);
  await clock.advanceAsync(100_000);
  t.deepEqual(unhealthy, ['GET / answered 500']);
  t.is(asked.length, 5);
  t.is(health.lastProblem, 'GET / answered 500');
  t.is(clock.pending, 0);
});

test('what a check had to say is no problem any more when a later one is content', async (t) => {
  const { clock, health } = loop([bad]);
  await clock.advanceAsync(12_000);
  t.is(health.lastProblem, 'GET / answered 500');
  await clock.advanceAsync(12_000);
  t.is(health.lastProblem, undefined);
});

test('a 60 s upload to a single-threaded app: never unhealthy', async (t) => {
  const timeouts = Array.from({ length: 20 }, (): HealthAnswer => ({ kind: 'timeout' }));
  const { clock, health, unhealthy } = loop(timeouts, () => true);
  await clock.advanceAsync(120_000);
  t.deepEqual(unhealthy, []);
  t.is(conditionOf(health.failures), 'healthy');
});

test('a request that began or ended during the check counts as in flight', async (t) => {
  for (const sequence of [
    [true, false],
    [false, true],
  ]) {
    const busy = [...sequence];
    const { clock, health } = loop([{ kind: 'timeout' }], () => busy.shift() ?? false);
    await clock.advanceAsync(11_000);
    t.is(health.failures, 0);
  }
});

test('spread over +-10 %', async (t) => {
  const { clock, asked } = loop([]);
  const began = clock.monotonic();
  await clock.advanceAsync(200_000);
  const gaps = asked.map((at, i) => at - (asked[i - 1] ?? began));
  t.true(gaps.every((gap) => gap >= 9000 && gap <= 11_000));
  t.true(new Set(gaps).size > 1);
});

test('stop ends it, also while a check is under way', async (t) => {
  const clock = new FakeClock();
  let answer: (answer: HealthAnswer) => void = () => {};
  const health = new HealthLoop({
    clock,
    intervalMs: () => 10_000,
    ask: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
    inFlight: () => false,
    onUnhealthy: () => t.fail(),
  });
  health.failures = 2;
  await clock.advanceAsync(11_000);
  health.pause();
  answer(bad);
  await turn();
  t.is(clock.pending, 0);
});

test('a check that breaks is a failure and not the end of the checks', async (t) => {
  const clock = new FakeClock();
  const health = new HealthLoop({
    clock,
    intervalMs: () => 10_000,
    ask: () => Promise.reject(new Error('broke')),
    inFlight: () => false,
    onUnhealthy: () => {},
  });
  await clock.advanceAsync(11_000);
  t.is(health.failures, 1);
  t.is(clock.pending, 1);
});

test('another interval holds from the next check on', async (t) => {
  const clock = new FakeClock();
  let intervalMs = 10_000;
  let checks = 0;
  const health = new HealthLoop({
    clock,
    intervalMs: () => intervalMs,
    ask: async () => {
      checks += 1;
      return { kind: 'healthy' };
    },
    inFlight: () => false,
    onUnhealthy: () => t.fail(),
  });
  intervalMs = 100_000;
  await clock.advanceAsync(80_000);
  t.is(checks, 1);
  await clock.advanceAsync(50_000);
  t.is(checks, 2);
  health.pause();
});
