/**
 * The state machine of one instance: (facts, event) -> (facts, effects). Pure: nothing here waits, starts or stops anything.
 * instance.ts is the only caller; effects.ts carries out what is decided, and its outcomes come back as events.
 */
import { isOurTrouble, TenementError } from '../base/errors.js';
import type { Want } from './control.js';
import type { Effect, Event, Facts, Moment, Step } from './facts.js';
import { afterDeath, afterOurTrouble, countDeath, type Death, type Verdict } from './policy.js';

/** Applies one event. An event that means nothing in the present state changes nothing. */
export function step(before: Facts, event: Event, at: Moment): Step {
  const { facts, effects } = apply(before, event, at);
  return { facts: withoutPast(facts), effects };
}

/** What belongs to a state ends with it. */
function withoutPast(facts: Facts): Facts {
  const thawing = facts.thawing && facts.state === 'frozen';
  const collisions = facts.state === 'starting' ? facts.collisions : 0;
  const same = thawing === facts.thawing && collisions === facts.collisions;
  return same ? facts : { ...facts, thawing, collisions };
}

function apply(facts: Facts, event: Event, at: Moment): Step {
  switch (event.type) {
    case 'wake':
      return onWake(facts, at);
    case 'start':
      return onStart(facts, event.want);
    case 'stop':
      return onStop({ ...facts, want: event.want }, { kind: 'rest' }, event.why, at);
    case 'restart':
      return onRestart(facts, at);
    case 'shutdown':
      return onStop({ ...facts, closed: true }, { kind: 'rest' }, new TenementError('shutting_down'), at);
    case 'adopted':
      return onAdopted(facts, event.frozen && at.sleeps && at.freezes);
    case 'ready':
      return facts.state === 'starting' ? onReady(facts, at) : stay(facts);
    case 'start-failed':
      return facts.state === 'starting' ? onStartFailed(facts, event.error, at) : stay(facts);
    case 'exited':
      return onExit(facts, event.clean, event.error, at);
    case 'suspect':
      return facts.state === 'ready' ? starting(facts, 'suspect') : stay(facts);
    case 'unhealthy':
      return onUnhealthy(facts, at);
    case 'idle':
      return facts.state === 'ready' && at.leases === 0 ? asleep(facts, at.freezes) : stay(facts);
    case 'thawed':
      return facts.state === 'frozen' && facts.thawing ? onReady(facts, at) : stay(facts);
    case 'freeze-failed':
    case 'freeze-over':
      return facts.state === 'frozen' && !facts.thawing ? asleep(facts, false) : stay(facts);
    case 'thaw-failed':
      return facts.state === 'frozen' && facts.thawing ? replaced(facts, at) : stay(facts);
    case 'drained':
      return facts.state === 'draining'
        ? { facts: { ...facts, state: 'stopping' }, effects: [{ do: 'kill' }] }
        : stay(facts);
    case 'gone':
      return facts.state === 'stopping' ? follow(facts, facts.plan, at) : stay(facts);
    case 'backoff-over':
      return onBackoffOver(facts, at);
  }
}

const stay = (facts: Facts): Step => ({ facts, effects: [] });

function starting(facts: Facts, entry: Facts['entry'], before: readonly Effect[] = []): Step {
  const act: Effect =
    entry === 'spawn' ? { do: 'spawn' } : { do: 'probe', by: entry === 'adopt' ? 'health' : 'connect' };
  return { facts: { ...facts, state: 'starting', entry }, effects: [...before, act] };
}

/** Whoever sleeps is not wanted up any more, whatever had started it. */
function asleep(facts: Facts, frozen: boolean): Step {
  const next: Facts = { ...facts, want: 'on-demand' };
  return frozen
    ? { facts: { ...next, state: 'frozen' }, effects: [{ do: 'freeze' }] }
    : { facts: { ...next, state: 'stopping', plan: { kind: 'rest' } }, effects: [{ do: 'kill' }] };
}

/** However many ask, it is thawed once. */
const thaw = (facts: Facts): Step =>
  facts.thawing ? stay(facts) : { facts: { ...facts, thawing: true }, effects: [{ do: 'thaw' }] };

/** Whether a request may start it: `admission` has refused the others already. */
const mayStart = (facts: Facts): boolean =>
  !facts.closed && facts.want !== 'disabled' && facts.want !== 'down';

function onWake(facts: Facts, at: Moment): Step {
  if (!mayStart(facts)) return stay(facts);
  if (facts.state === 'frozen') return thaw(facts);
  const due =
    facts.state === 'stopped' ||
    ((facts.state === 'backoff' || facts.state === 'failed') && at.now >= facts.until);
  return due ? starting(facts, 'spawn') : stay(facts);
}

/** What was disabled or held while its process was left running by a server that died is stopped now, never let through. */
function onAdopted(facts: Facts, staysFrozen: boolean): Step {
  // In back-off when it could not be asked for at first.
  if (facts.state !== 'stopped' && facts.state !== 'backoff') return stay(facts);
  // Again, because that server may have died in the midst of it.
  if (mayStart(facts) && staysFrozen) return asleep(facts, true);
  if (mayStart(facts)) return starting(facts, 'adopt');
  return { facts: { ...facts, state: 'stopping', plan: { kind: 'rest' } }, effects: [{ do: 'kill' }] };
}

function onReady(facts: Facts, at: Moment): Step {
  const want = facts.want === 'on-demand' && !at.sleeps ? 'up' : facts.want;
  return { facts: { ...facts, state: 'ready', want }, effects: [{ do: 'open' }] };
}

function onStart(before: Facts, want: Want): Step {
  if (before.closed || before.want === 'disabled') return stay(before);
  // Ends a hold and a failure.
  const facts: Facts = want === 'up' || before.want === 'down' ? { ...before, want } : before;
  switch (facts.state) {
    case 'stopped':
    case 'backoff':
    case 'failed':
      return starting({ ...facts, deaths: [] }, 'spawn');
    case 'frozen':
      return thaw(facts);
    case 'draining':
    case 'stopping':
      return stay({ ...facts, plan: { kind: 'start' } });
    default:
      return stay(facts);
  }
}

function onStop(facts: Facts, plan: Verdict, why: TenementError, at: Moment): Step {
  const reject: Effect = { do: 'reject', error: why };
  switch (facts.state) {
    case 'stopped':
      return { facts, effects: [reject] };
    case 'backoff':
    case 'failed':
      return { facts: { ...facts, state: 'stopped' }, effects: [reject] };
    case 'frozen':
    case 'starting': {
      // One that is only being looked at after a broken connection may have open requests: they may end.
      const stopping = drain(facts, plan, at);
      return { facts: stopping.facts, effects: [reject, ...stopping.effects] };
    }
    case 'draining':
    case 'stopping':
      return { facts: { ...facts, plan }, effects: [reject] };
    default:
      return drain(facts, plan, at);
  }
}

function onRestart(facts: Facts, at: Moment): Step {
  if (facts.closed || facts.want === 'disabled') return stay(facts);
  switch (facts.state) {
    case 'ready':
    case 'starting':
      return drain({ ...facts, deaths: [] }, { kind: 'start' }, at);
    case 'frozen':
      // The new process can wait until somebody asks; a person who does, waits already.
      return drain({ ...facts, deaths: [] }, { kind: 'rest' }, at);
    default:
      return onStart(facts, 'on-demand');
  }
}

function drain(facts: Facts, plan: Verdict, at: Moment): Step {
  return at.leases === 0
    ? { facts: { ...facts, state: 'stopping', plan }, effects: [{ do: 'kill' }] }
    : { facts: { ...facts, state: 'draining', plan }, effects: [{ do: 'drain' }] };
}

function onUnhealthy(facts: Facts, at: Moment): Step {
  const probing = facts.state === 'starting' && facts.entry !== 'spawn';
  return facts.state === 'ready' || probing ? replaced(facts, at) : stay(facts);
}

/** It runs and is of no use. */
function replaced(facts: Facts, at: Moment): Step {
  const deaths = countDeath(facts.deaths, at.now, at.policy);
  const plan = afterDeath(
    { deaths, wasReady: true, collisions: 0, clean: false, want: facts.want, wanted: true },
    at.policy,
    at.now,
  );
  return drain({ ...facts, deaths }, plan, at);
}

function onExit(facts: Facts, clean: boolean, error: TenementError, at: Moment): Step {
  switch (facts.state) {
    case 'ready':
    case 'frozen':
    case 'starting':
      return onDeath(facts, clean, error, at);
    case 'draining':
      // Nothing is left to drain: what the clients had is gone. `kill` ends the rest of the tree.
      return { facts: { ...facts, state: 'stopping' }, effects: [{ do: 'kill' }] };
    default:
      return stay(facts);
  }
}

function onStartFailed(facts: Facts, error: TenementError, at: Moment): Step {
  if (!isOurTrouble(error)) return onDeath(facts, false, error, at);
  // The app has had no chance: nothing is held against it, and it starts as soon as we have what we lack.
  const verdict = afterOurTrouble(facts.want, at.policy, at.now);
  const next = follow(facts, verdict, { ...at, waiters: 0 });
  return { facts: next.facts, effects: [{ do: 'clean' }, { do: 'reject', error }, ...next.effects] };
}

/** The process has ended, or its start came to nothing. */
function onDeath(facts: Facts, clean: boolean, error: TenementError, at: Moment): Step {
  const wasReady = facts.state !== 'starting' || facts.entry !== 'spawn';
  const deaths = countDeath(facts.deaths, at.now, at.policy);
  const collided = !wasReady && at.changesPort && error.code === 'port_taken';
  const collisions = collided ? facts.collisions + 1 : 0;
  const wanted = at.waiters > 0;
  const death: Death = { deaths, wasReady, collisions, clean, want: facts.want, wanted };
  const verdict = afterDeath(death, at.policy, at.now);
  const effects: Effect[] = [{ do: 'clean' }];
  // Whoever waited for THIS start gets its outcome at once; after a death from ready, or with another port, they wait for the next one.
  const tried = !wasReady && verdict.kind !== 'start';
  if (tried) effects.push({ do: 'reject', error });
  const next = follow({ ...facts, deaths, collisions }, verdict, tried ? { ...at, waiters: 0 } : at);
  return { facts: next.facts, effects: [...effects, ...next.effects] };
}

/** Carries out a plan once nothing of the old process is left. */
function follow(facts: Facts, plan: Verdict, at: Moment): Step {
  if (facts.closed) return { facts: { ...facts, state: 'stopped' }, effects: [] };
  switch (plan.kind) {
    case 'start':
      return starting(facts, 'spawn');
    case 'rest':
      // Someone asked while it was being stopped: they must not hang (the wake/stop race).
      return at.waiters > 0 && mayStart(facts)
        ? starting(facts, 'spawn')
        : { facts: { ...facts, state: 'stopped' }, effects: [] };
    case 'backoff':
      return {
        facts: { ...facts, state: 'backoff', until: plan.until },
        effects: [{ do: 'timer', at: plan.until }],
      };
    case 'failed': {
      const next: Facts = { ...facts, state: 'failed', until: plan.until };
      return { facts: next, effects: [{ do: 'reject', error: failedError(next, at.now) }] };
    }
  }
}

/**
 * When it is meant to be up or somebody waits, the timer starts it again. What may sleep and nobody waits for is not started
 * in vain: it stays in backoff, and the next request tries at once.
 */
function onBackoffOver(facts: Facts, at: Moment): Step {
  if (facts.state !== 'backoff' || !mayStart(facts)) return stay(facts);
  const again = at.waiters > 0 || facts.want === 'up';
  return again ? starting(facts, 'spawn') : stay(facts);
}

/** What a request gets while the instance has failed. */
export function failedError(facts: Facts, now: number): TenementError {
  const seconds = Math.max(1, Math.ceil((facts.until - now) / 1000));
  return new TenementError(
    'failed',
    `The instance died ${facts.deaths.length} times and is not restarted for now`,
    {
      retryAfterSecs: seconds,
    },
  );
}
