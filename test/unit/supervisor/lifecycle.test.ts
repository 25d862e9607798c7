import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { admission } from '../../../src/supervisor/admission.js';
import {
  type Effect,
  type Event,
  type Facts,
  initialFacts,
  type Moment,
} from '../../../src/supervisor/facts.js';
import { step } from '../../../src/supervisor/lifecycle.js';

const now = 1_000_000;
const at: Moment = {
  now,
  waiters: 0,
  leases: 0,
  policy: {
    restart: 'on-failure',
    maxRestarts: 3,
    windowMs: 300_000,
    backoffBaseMs: 1000,
    backoffMaxMs: 60_000,
  },
  sleeps: true,
  freezes: false,
  changesPort: true,
};
const facts = (changes: Partial<Facts> = {}): Facts => ({ ...initialFacts('on-demand'), ...changes });
const error = new TenementError('start_failed');
const why = new TenementError('stopped');
const stop: Event = { type: 'stop', want: 'on-demand', why };
const exited: Event = { type: 'exited', clean: false, error };
const start: Event = { type: 'start', want: 'on-demand' };
const taken = new TenementError('port_taken');
const collided: Event = { type: 'exited', clean: false, error: taken };
const clean: Event = { type: 'exited', clean: true, error };

interface Row {
  readonly title: string;
  readonly from: Partial<Facts>;
  readonly event: Event;
  readonly moment?: Partial<Moment>;
  readonly to: Partial<Facts>;
  readonly effects: readonly Effect['do'][];
}

const row = (
  title: string,
  from: Partial<Facts>,
  event: Event,
  moment: Partial<Moment>,
  to: Partial<Facts>,
  effects: readonly Effect['do'][],
): Row => ({ title, from, event, moment, to, effects });

const suspect: Partial<Facts> = { state: 'starting', entry: 'suspect' };
const spawning: Partial<Facts> = { state: 'starting', entry: 'spawn' };
const last = [now - 10];
const startNext: Partial<Facts> = { plan: { kind: 'start' } };

const ready: Partial<Facts> = { state: 'ready' };
const frozen: Partial<Facts> = { state: 'frozen' };
const thawing: Partial<Facts> = { state: 'frozen', thawing: true };
const freezes: Partial<Moment> = { freezes: true };
const adoptedFrozen: Event = { type: 'adopted', frozen: true };

const table: readonly Row[] = [
  row('stopped: a wake starts it', {}, { type: 'wake' }, { waiters: 1 }, spawning, ['spawn']),
  row('stopped: a person starts it', {}, start, {}, spawning, ['spawn']),
  row(
    'stopped: adopted is only probed',
    {},
    { type: 'adopted', frozen: false },
    {},
    { state: 'starting', entry: 'adopt' },
    ['probe'],
  ),
  row(
    'stopped and disabled: adopted is stopped',
    { want: 'disabled' },
    { type: 'adopted', frozen: false },
    {},
    { state: 'stopping' },
    ['kill'],
  ),
  row('stopped: a stop refuses who waits', {}, stop, {}, { state: 'stopped' }, ['reject']),

  row('starting: ready opens the gate', spawning, { type: 'ready' }, { waiters: 2 }, { state: 'ready' }, [
    'open',
  ]),
  row(
    'starting: ready, never sleeps: wanted up',
    spawning,
    { type: 'ready' },
    { sleeps: false },
    { want: 'up' },
    ['open'],
  ),
  row(
    'starting: an exit answers all at once, then backs off',
    spawning,
    exited,
    { waiters: 2 },
    {
      state: 'backoff',
      deaths: [now],
      until: now + 1000,
    },
    ['clean', 'reject', 'timer'],
  ),
  row(
    'starting: deadline or spawn error likewise',
    spawning,
    { type: 'start-failed', error },
    {},
    { state: 'backoff' },
    ['clean', 'reject', 'timer'],
  ),
  row(
    'starting: gave up as another program had its port: once more with another one, who waits waits on',
    spawning,
    collided,
    { waiters: 2 },
    { ...spawning, collisions: 1, deaths: [now] },
    ['clean', 'spawn'],
  ),
  row(
    'starting: runs, and another program has its port: likewise',
    { ...spawning, collisions: 1 },
    { type: 'start-failed', error: taken },
    { waiters: 2 },
    { ...spawning, collisions: 2 },
    ['clean', 'spawn'],
  ),
  row(
    'starting: the third port in a row is taken, too: told as any failure',
    { ...spawning, collisions: 2, deaths: [now - 2, now - 1] },
    collided,
    { waiters: 2 },
    { state: 'backoff', collisions: 0, until: now + 4000 },
    ['clean', 'reject', 'timer'],
  ),
  row(
    'starting: its port is taken, and nobody waits: not in vain',
    spawning,
    collided,
    {},
    { state: 'backoff', collisions: 0 },
    ['clean', 'reject', 'timer'],
  ),
  row(
    'starting: its port is taken, and it is wanted up',
    { ...spawning, want: 'up' },
    collided,
    {},
    { ...spawning, collisions: 1 },
    ['clean', 'spawn'],
  ),
  row(
    'starting: its port is taken, and the next start would get the same',
    spawning,
    collided,
    { waiters: 1, changesPort: false },
    { state: 'backoff', collisions: 0 },
    ['clean', 'reject', 'timer'],
  ),
  row(
    'starting: another failure after a taken port is its own',
    { ...spawning, collisions: 1, deaths: last },
    exited,
    { waiters: 1 },
    { state: 'backoff', collisions: 0, until: now + 2000 },
    ['clean', 'reject', 'timer'],
  ),
  row(
    'starting: with another port it is ready, and the taken one forgotten',
    { ...spawning, collisions: 2 },
    { type: 'ready' },
    { waiters: 1 },
    { state: 'ready', collisions: 0 },
    ['open'],
  ),
  row(
    'suspect: a stranger on its port is a death from ready',
    { ...suspect, deaths: last },
    collided,
    { waiters: 1 },
    { state: 'backoff', collisions: 0 },
    ['clean', 'timer'],
  ),
  row('starting: a stop', spawning, stop, { waiters: 1 }, { state: 'stopping' }, ['reject', 'kill']),
  row(
    'starting: too many deaths',
    { ...spawning, deaths: [now - 3, now - 2, now - 1] },
    exited,
    {},
    {
      state: 'failed',
      until: now - 3 + 300_000,
    },
    ['clean', 'reject', 'reject'],
  ),
  row(
    'suspect: an exit is a death from ready, who waits waits on',
    suspect,
    exited,
    { waiters: 1 },
    spawning,
    ['clean', 'spawn'],
  ),
  row(
    'suspect: no longer accepts: replaced',
    suspect,
    { type: 'unhealthy', why: '' },
    {},
    {
      state: 'stopping',
      ...startNext,
    },
    ['kill'],
  ),
  row('suspect: a stop drains the others', suspect, stop, { leases: 2 }, { state: 'draining' }, [
    'reject',
    'drain',
  ]),

  row('ready: idle', { state: 'ready' }, { type: 'idle' }, {}, { state: 'stopping' }, ['kill']),
  row(
    'ready: idle means nothing while a lease is open',
    { state: 'ready' },
    { type: 'idle' },
    { leases: 1 },
    {
      state: 'ready',
    },
    [],
  ),
  row(
    'ready: a stop with open leases drains',
    { state: 'ready' },
    stop,
    { leases: 1 },
    { state: 'draining' },
    ['drain'],
  ),
  row('ready: a stop without any', { state: 'ready' }, stop, {}, { state: 'stopping' }, ['kill']),
  row(
    'ready: a restart',
    { state: 'ready' },
    { type: 'restart' },
    { leases: 1 },
    {
      state: 'draining',
      ...startNext,
    },
    ['drain'],
  ),
  row(
    'ready: unhealthy drains, then starts',
    { state: 'ready' },
    { type: 'unhealthy', why: '' },
    { leases: 1 },
    {
      state: 'draining',
      ...startNext,
      deaths: [now],
    },
    ['drain'],
  ),
  row('ready: the first exit restarts at once', { state: 'ready' }, exited, { leases: 3 }, spawning, [
    'clean',
    'spawn',
  ]),
  row(
    'ready: the second exit backs off',
    { state: 'ready', deaths: last },
    exited,
    {},
    { state: 'backoff' },
    ['clean', 'timer'],
  ),
  row('ready: a clean exit, nobody waits', { state: 'ready' }, clean, {}, { state: 'stopped' }, ['clean']),
  row('ready: a broken connection', { state: 'ready' }, { type: 'suspect' }, {}, suspect, ['probe']),

  row(
    'ready: idle, and it freezes',
    ready,
    { type: 'idle' },
    freezes,
    { state: 'frozen', want: 'on-demand' },
    ['freeze'],
  ),
  row(
    'ready: an open request, upgrade or stream vetoes the freeze',
    ready,
    { type: 'idle' },
    { ...freezes, leases: 1 },
    ready,
    [],
  ),
  row('ready: a thaw that nobody asked for', ready, { type: 'thawed' }, {}, ready, []),
  row(
    'frozen: a wake thaws it, and who waits is not let in yet',
    frozen,
    { type: 'wake' },
    { waiters: 1 },
    thawing,
    ['thaw'],
  ),
  row('frozen: the second wake finds it under way', thawing, { type: 'wake' }, { waiters: 2 }, thawing, []),
  row('frozen: a person starts it', frozen, start, {}, thawing, ['thaw']),
  row(
    'frozen: thawed opens the gate, nothing is probed',
    thawing,
    { type: 'thawed' },
    { waiters: 2 },
    { state: 'ready', thawing: false },
    ['open'],
  ),
  row(
    'frozen: thawed, and it shall not sleep any more',
    thawing,
    { type: 'thawed' },
    { sleeps: false },
    { state: 'ready', want: 'up' },
    ['open'],
  ),
  row('frozen: a thaw of which nobody knows', frozen, { type: 'thawed' }, {}, frozen, []),
  row(
    'frozen: it cannot be thawed: replaced',
    thawing,
    { type: 'thaw-failed' },
    { waiters: 1 },
    { state: 'stopping', ...startNext },
    ['kill'],
  ),
  row(
    'frozen: it cannot be frozen: stopped',
    frozen,
    { type: 'freeze-failed' },
    {},
    { state: 'stopping', plan: { kind: 'rest' } },
    ['kill'],
  ),
  row(
    'frozen: it cannot be frozen, but is awaited already',
    thawing,
    { type: 'freeze-failed' },
    { waiters: 1 },
    thawing,
    [],
  ),
  row(
    'frozen: for long enough: stopped',
    frozen,
    { type: 'freeze-over' },
    {},
    { state: 'stopping', plan: { kind: 'rest' } },
    ['kill'],
  ),
  row(
    'frozen: for long enough, and a wake came first',
    thawing,
    { type: 'freeze-over' },
    { waiters: 1 },
    thawing,
    [],
  ),
  row('frozen: a stop', frozen, stop, {}, { state: 'stopping', plan: { kind: 'rest' } }, ['reject', 'kill']),
  row(
    'frozen: a stop while it is thawed refuses who waits',
    thawing,
    stop,
    { waiters: 1 },
    { state: 'stopping', thawing: false },
    ['reject', 'kill'],
  ),
  row('frozen: a shutdown', frozen, { type: 'shutdown' }, {}, { state: 'stopping', closed: true }, [
    'reject',
    'kill',
  ]),
  row(
    'frozen: a restart ends the old process; the new one can wait',
    frozen,
    { type: 'restart' },
    {},
    { state: 'stopping', plan: { kind: 'rest' } },
    ['kill'],
  ),
  row('frozen: an exit restarts as from ready', frozen, exited, {}, spawning, ['clean', 'spawn']),
  row(
    'frozen: an exit under those who wait',
    thawing,
    exited,
    { waiters: 1 },
    { ...spawning, thawing: false },
    ['clean', 'spawn'],
  ),
  row('frozen: the second exit backs off', { ...frozen, deaths: last }, exited, {}, { state: 'backoff' }, [
    'clean',
    'timer',
  ]),
  row(
    'frozen: the health check that was under way says nothing',
    frozen,
    { type: 'unhealthy', why: '' },
    {},
    frozen,
    [],
  ),
  row('frozen: an old doubt says nothing', frozen, { type: 'suspect' }, {}, frozen, []),
  row('frozen: idle', frozen, { type: 'idle' }, freezes, frozen, []),
  row('stopped: adopted frozen stays so', {}, adoptedFrozen, freezes, { state: 'frozen' }, ['freeze']),
  row(
    'stopped: adopted frozen, and the service does not freeze any more',
    {},
    adoptedFrozen,
    {},
    { state: 'starting', entry: 'adopt' },
    ['probe'],
  ),
  row(
    'stopped: adopted frozen, and it shall not sleep any more',
    {},
    adoptedFrozen,
    { ...freezes, sleeps: false },
    { state: 'starting', entry: 'adopt' },
    ['probe'],
  ),
  row(
    'stopped and held: adopted frozen is stopped',
    { want: 'down' },
    adoptedFrozen,
    freezes,
    { state: 'stopping' },
    ['kill'],
  ),

  row(
    'draining: the last lease ends',
    { state: 'draining' },
    { type: 'drained' },
    {},
    { state: 'stopping' },
    ['kill'],
  ),
  row('draining: an exit ends it', { state: 'draining' }, exited, { leases: 1 }, { state: 'stopping' }, [
    'kill',
  ]),
  row(
    'draining: a wake waits for what follows',
    { state: 'draining' },
    { type: 'wake' },
    { waiters: 1 },
    {
      state: 'draining',
    },
    [],
  ),
  row('stopping: gone', { state: 'stopping' }, { type: 'gone' }, {}, { state: 'stopped' }, []),
  row(
    'stopping: gone, and somebody asked meanwhile',
    { state: 'stopping' },
    { type: 'gone' },
    { waiters: 1 },
    spawning,
    ['spawn'],
  ),
  row(
    'stopping: a start is remembered',
    { state: 'stopping' },
    start,
    {},
    { state: 'stopping', ...startNext },
    [],
  ),
  row(
    'stopping: gone with a start planned',
    { state: 'stopping', ...startNext },
    { type: 'gone' },
    {},
    spawning,
    ['spawn'],
  ),
  row(
    'stopping: a stop takes back the planned start',
    { state: 'stopping', ...startNext },
    stop,
    {},
    {
      state: 'stopping',
      plan: { kind: 'rest' },
    },
    ['reject'],
  ),
  row(
    'stopping for a hold: gone stays down whoever waits',
    { state: 'stopping', want: 'down' },
    { type: 'gone' },
    {
      waiters: 1,
    },
    { state: 'stopped' },
    [],
  ),

  row(
    'backoff: the timer starts it when somebody waits',
    { state: 'backoff', until: now },
    { type: 'backoff-over' },
    {
      waiters: 1,
    },
    spawning,
    ['spawn'],
  ),
  row(
    'backoff: or when it is wanted up',
    { state: 'backoff', want: 'up' },
    { type: 'backoff-over' },
    {},
    spawning,
    ['spawn'],
  ),
  row(
    'backoff: nobody waits: not in vain',
    { state: 'backoff' },
    { type: 'backoff-over' },
    {},
    {
      state: 'backoff',
    },
    [],
  ),
  row(
    'backoff: a wake before its end waits',
    { state: 'backoff', until: now + 1 },
    { type: 'wake' },
    { waiters: 1 },
    {
      state: 'backoff',
    },
    [],
  ),
  row(
    'backoff: a wake after its end starts',
    { state: 'backoff', until: now },
    { type: 'wake' },
    {},
    spawning,
    ['spawn'],
  ),
  row('backoff: a stop', { state: 'backoff' }, stop, {}, { state: 'stopped' }, ['reject']),
  row(
    'backoff: a person starts it at once',
    { state: 'backoff', until: now + 9, deaths: last },
    start,
    {},
    {
      ...spawning,
      deaths: [],
    },
    ['spawn'],
  ),
  row(
    'failed: a wake within the window does nothing',
    { state: 'failed', until: now + 1 },
    { type: 'wake' },
    {},
    {
      state: 'failed',
    },
    [],
  ),
  row('failed: a wake after it starts', { state: 'failed', until: now }, { type: 'wake' }, {}, spawning, [
    'spawn',
  ]),
  row('failed: a person starts it', { state: 'failed', until: now + 9 }, start, {}, spawning, ['spawn']),
];

for (const { title, from, event, moment, to, effects } of table) {
  test(title, (t) => {
    const before = facts(from);
    const after = step(before, event, { ...at, ...moment });
    t.like(after.facts, to);
    t.deepEqual(
      after.effects.map((effect) => effect.do),
      [...effects],
    );
  });
}

test('a start for the config is kept up; a start ends a hold but not `disabled`', (t) => {
  t.is(step(facts(), { type: 'start', want: 'up' }, at).facts.want, 'up');
  t.is(step(facts({ want: 'up' }), start, at).facts.want, 'up');
  t.is(step(facts({ want: 'down' }), start, at).facts.want, 'on-demand');
  for (const event of [start, { type: 'start', want: 'up' }, { type: 'restart' }] as const) {
    const before = facts({ want: 'disabled' });
    t.is(step(before, event, at).facts, before);
  }
});

const budgets = { startupMs: 30_000, stopMs: 10_000, drainMs: 20_000 };
const refused: [string, Partial<Facts>, string][] = [
  ['shutting down', { closed: true, state: 'ready' }, 'shutting_down'],
  ['disabled', { want: 'disabled' }, 'disabled'],
  ['held', { want: 'down' }, 'held'],
  ['failed, within the window', { state: 'failed', until: now + 1 }, 'failed'],
  ['a back-off that is longer than a wait', { state: 'backoff', until: now + 30_001 }, 'backoff'],
];
for (const [title, from, code] of refused) {
  test(`admission: ${title} is refused with the time to come again`, (t) => {
    const verdict = admission(facts(from), now, budgets);
    t.true(verdict.kind === 'refuse' && verdict.error.code === code);
    t.true(verdict.kind === 'refuse' && (verdict.error.retryAfterSecs ?? 0) >= 1);
  });
}

// Beside a minute until there is a process.
const admitted: [string, Partial<Facts>, number][] = [
  ['stopped', {}, 30_000],
  ['starting', spawning, 30_000],
  ['suspect', suspect, 70_000],
  ['draining', { state: 'draining' }, 60_000],
  ['stopping', { state: 'stopping' }, 40_000],
  ['backoff', { state: 'backoff', until: now + 5000 }, 35_000],
  ['failed, after the window', { state: 'failed', until: now }, 30_000],
];
for (const [title, from, least] of admitted) {
  test(`admission: ${title} lets wait as long as all that lies ahead may take`, (t) => {
    const verdict = admission(facts(from), now, budgets);
    t.true(verdict.kind === 'wait' && verdict.budgetMs === 60_000 + least);
  });
}
