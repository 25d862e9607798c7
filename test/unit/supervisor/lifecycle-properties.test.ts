import test from 'ava';
import fc from 'fast-check';
import { TenementError } from '../../../src/base/errors.js';
import { admission } from '../../../src/supervisor/admission.js';
import type { State } from '../../../src/supervisor/control.js';
import { type Event, type Facts, initialFacts, type Moment } from '../../../src/supervisor/facts.js';
import { step } from '../../../src/supervisor/lifecycle.js';
import type { RestartPolicy } from '../../../src/supervisor/policy.js';

const policy: RestartPolicy = {
  restart: 'on-failure',
  maxRestarts: 3,
  windowMs: 300_000,
  backoffBaseMs: 1000,
  backoffMaxMs: 60_000,
};
const budgets = { startupMs: 30_000, stopMs: 10_000, drainMs: 30_000 };
const error = new TenementError('start_failed');

const taken = new TenementError('port_taken');

const want = fc.constantFrom('up', 'on-demand', 'down', 'disabled' as const);
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.constantFrom<Event>(
    { type: 'wake' },
    { type: 'start', want: 'up' },
    { type: 'start', want: 'on-demand' },
    { type: 'restart' },
    { type: 'adopted', frozen: false },
    { type: 'adopted', frozen: true },
    { type: 'thawed' },
    { type: 'freeze-failed' },
    { type: 'thaw-failed' },
    { type: 'freeze-over' },
    { type: 'ready' },
    { type: 'start-failed', error },
    { type: 'start-failed', error: taken },
    { type: 'exited', clean: false, error: taken },
    { type: 'exited', clean: true, error },
    { type: 'exited', clean: false, error },
    { type: 'suspect' },
    { type: 'unhealthy', why: 'test' },
    { type: 'idle' },
    { type: 'drained' },
    { type: 'gone' },
    { type: 'backoff-over' },
  ),
  want.map((wanted): Event => ({ type: 'stop', want: wanted, why: error })),
);
/** Shutdowns are rare, or every sequence would soon be at its end. */
const events = fc.array(
  fc.record({
    event: fc.oneof(
      { weight: 40, arbitrary: event },
      { weight: 1, arbitrary: fc.constant<Event>({ type: 'shutdown' }) },
    ),
    waiters: fc.nat(2),
    leases: fc.nat(2),
    passMs: fc.constantFrom(0, 10, 10, 10, 1000, 1000, 1000, 400_000),
    sleeps: fc.boolean(),
    freezes: fc.boolean(),
    changesPort: fc.boolean(),
  }),
  { maxLength: 60 },
);

/** Applies the events, and calls `look` with each step. */
function walk(
  first: Facts,
  list: readonly (Omit<Moment, 'now' | 'policy'> & { event: Event; passMs: number })[],
  look: (before: Facts, event: Event, after: ReturnType<typeof step>, moment: Moment) => void,
  maxRestarts = policy.maxRestarts,
): void {
  let facts = first;
  let now = 1_000_000;
  for (const { event, passMs, ...rest } of list) {
    now += passMs;
    const moment = { ...rest, now, policy: { ...policy, maxRestarts } };
    const after = step(facts, event, moment);
    look(facts, event, after, moment);
    facts = after.facts;
  }
}

test('at most one thing is begun by a step, and each state is entered with the effect that leads out of it', (t) => {
  fc.assert(
    fc.property(want, events, (first, list) => {
      walk(initialFacts(first), list, (before, _event, { facts, effects }) => {
        const doing = effects.map((effect) => effect.do);
        const begun = doing.filter((what) =>
          ['spawn', 'probe', 'drain', 'kill', 'timer', 'open', 'freeze', 'thaw'].includes(what),
        );
        t.true(begun.length <= 1);
        const entered =
          facts.state !== before.state ||
          facts.entry !== before.entry ||
          facts.collisions > before.collisions ||
          (facts.thawing && !before.thawing);
        const expected: Partial<Record<State, string[]>> = {
          starting: [facts.entry === 'spawn' ? 'spawn' : 'probe'],
          ready: ['open'],
          draining: ['drain'],
          stopping: ['kill'],
          backoff: ['timer'],
          frozen: [facts.thawing ? 'thaw' : 'freeze'],
        };
        if (entered) t.deepEqual(begun, expected[facts.state] ?? []);
        else if (begun.length > 0) t.fail(`${begun} without a change of state`);
      });
    }),
  );
});

test('a process is begun only when none runs: a spawn comes from a state without one, or with its clean-up', (t) => {
  const without: State[] = ['stopped', 'backoff', 'failed'];
  fc.assert(
    fc.property(want, events, (first, list) => {
      walk(initialFacts(first), list, (before, event, { effects }) => {
        if (!effects.some((effect) => effect.do === 'spawn')) return;
        const cleaned = effects[0]?.do === 'clean';
        t.true(without.includes(before.state) || cleaned || event.type === 'gone');
      });
    }),
  );
});

test('a start is repeated at once only with another port, for somebody, and twice in a row at most; all are counted and refused to nobody', (t) => {
  let repeated = 0;
  fc.assert(
    fc.property(want, events, (first, list) => {
      walk(initialFacts(first), list, (before, event, { facts, effects }, moment) => {
        t.true(facts.collisions <= 2);
        if (facts.state !== 'starting') t.is(facts.collisions, 0);
        if (facts.collisions <= before.collisions) return;
        repeated += 1;
        t.true((event.type === 'exited' || event.type === 'start-failed') && event.error === taken);
        t.true(moment.changesPort && (moment.waiters > 0 || facts.want === 'up'));
        t.is(facts.deaths.at(-1), moment.now);
        t.deepEqual(
          effects.map((effect) => effect.do),
          ['clean', 'spawn'],
        );
      });
    }),
    { seed: 1, numRuns: 500 },
  );
  t.true(repeated > 0);
});

test('closed, disabled and held never start', (t) => {
  fc.assert(
    fc.property(want, events, (first, list) => {
      walk(initialFacts(first), list, (before, _event, { facts, effects }) => {
        const starts = effects.some((effect) => ['spawn', 'probe', 'thaw', 'freeze'].includes(effect.do));
        if (before.closed) t.false(starts);
        if (starts) t.true(facts.want === 'up' || facts.want === 'on-demand');
      });
    }),
  );
});

test('nobody is left waiting where nothing is under way: he is let through, refused, or would be refused now', (t) => {
  fc.assert(
    fc.property(want, events, (first, list) => {
      walk(initialFacts(first), list, (_before, event, { facts, effects }, moment) => {
        const rests = facts.state === 'stopped' || facts.state === 'failed';
        if (moment.waiters === 0 || !rests) return;
        const rejected = effects.some((effect) => effect.do === 'reject');
        const refused = admission(facts, moment.now, budgets).kind === 'refuse';
        // Whoever comes with a wake, or came before: an event that changed nothing found nobody waiting here.
        const touched = effects.length > 0 || event.type === 'wake';
        if (touched) t.true(rejected || refused, `${event.type} leaves ${facts.state}`);
      });
    }),
  );
});

test('an event that means nothing here changes nothing, and every step but a stop or a start of want can be told by its facts', (t) => {
  fc.assert(
    fc.property(want, events, (first, list) => {
      walk(initialFacts(first), list, (before, event, { facts, effects }) => {
        if (effects.length > 0) return;
        const mayChange = ['start', 'restart', 'gone'].includes(event.type);
        if (!mayChange && event.type !== 'stop' && event.type !== 'shutdown') t.is(facts, before);
      });
    }),
  );
});

test('every state is reached', (t) => {
  const seen = new Set<State>();
  // With the same limit for all, the rare states would need more luck than a test should.
  for (const maxRestarts of [0, 3]) {
    fc.assert(
      fc.property(want, events, (first, list) => {
        walk(
          initialFacts(first),
          list,
          (_before, _event, { facts }) => void seen.add(facts.state),
          maxRestarts,
        );
      }),
      { seed: 1, numRuns: 500 },
    );
  }
  t.deepEqual([...seen].sort(), [
    'backoff',
    'draining',
    'failed',
    'frozen',
    'ready',
    'starting',
    'stopped',
    'stopping',
  ]);
});

test('from everywhere a shutdown comes to rest once what runs has gone', (t) => {
  fc.assert(
    fc.property(want, events, (first, list) => {
      let facts = initialFacts(first);
      walk(facts, list, (_before, _event, after) => {
        facts = after.facts;
      });
      const moment = {
        now: 5_000_000,
        waiters: 1,
        leases: 1,
        sleeps: true,
        freezes: true,
        changesPort: true,
        policy,
      };
      for (const type of ['shutdown', 'drained', 'gone'] as const)
        facts = step(facts, { type }, moment).facts;
      t.is(facts.state, 'stopped');
      t.is(admission(facts, 5_000_000, budgets).kind, 'refuse');
    }),
  );
});

test('it is frozen only while nothing is open, and whoever waits for a frozen one is being let in or refused', (t) => {
  fc.assert(
    fc.property(want, events, (first, list) => {
      walk(initialFacts(first), list, (before, event, { facts, effects }, moment) => {
        if (before.state === 'ready' && facts.state === 'frozen') t.is(moment.leases, 0);
        if (facts.state === 'frozen' && event.type === 'wake') t.true(facts.thawing);
        // The end of a frozen one is that of any other: what can thaw it runs first (Handle.stop).
        if (before.state === 'frozen' && facts.state === 'stopping')
          t.true(effects.some((effect) => effect.do === 'kill'));
        if (facts.state !== 'frozen') t.false(facts.thawing);
      });
    }),
  );
});
