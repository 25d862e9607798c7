/**
 * The state machine of one instance: (facts, event) -> (facts, effects). Pure: nothing here waits, starts or stops anything.
 * instance.ts is the only caller; it carries out the effects and feeds their outcomes back as events.
 */
import { TenementError } from '../base/errors.js';
import type { State, Want } from './control.js';
import { afterDeath, countDeath, type RestartPolicy, type Verdict } from './policy.js';

/** Everything the machine knows. */
export interface Facts {
  readonly state: State;
  readonly want: Want;
  /** In `starting`: a new process, one found at boot, or a known one that broke a connection. */
  readonly entry: 'spawn' | 'adopt' | 'suspect';
  /** In `draining` and `stopping`: what follows when nothing is left. */
  readonly plan: Verdict;
  /** Deaths within the restart window, oldest first. */
  readonly deaths: readonly number[];
  /** In `backoff`: when the delay is over. In `failed`: from when on a request may try again. */
  readonly until: number;
  /** The server is shutting down: nothing starts any more. */
  readonly closed: boolean;
}

export const initialFacts = (want: Want): Facts => ({
  state: 'stopped',
  want,
  entry: 'spawn',
  plan: { kind: 'rest' },
  deaths: [],
  until: 0,
  closed: false,
});

export type Event =
  | { readonly type: 'wake' }
  /** `want` is `up` for what the config lists; a person's start becomes `up` only once it was ready: until then its failure is told, not repeated. */
  | { readonly type: 'start'; readonly want: 'up' | 'on-demand' }
  | { readonly type: 'stop'; readonly want: Want; readonly why: TenementError }
  | { readonly type: 'restart' }
  | { readonly type: 'shutdown' }
  | { readonly type: 'adopted' }
  | { readonly type: 'ready' }
  /** The start came to nothing: spawn error, deadline, stranger on the port. The process, if any, may still live. */
  | { readonly type: 'start-failed'; readonly error: TenementError }
  | { readonly type: 'exited'; readonly clean: boolean; readonly error: TenementError }
  | { readonly type: 'suspect' }
  | { readonly type: 'unhealthy'; readonly why: string }
  | { readonly type: 'idle' }
  | { readonly type: 'drained' }
  | { readonly type: 'gone' }
  | { readonly type: 'backoff-over' };

export type Effect =
  | { readonly do: 'spawn' }
  /** `health`: until it is healthy; `connect`: only whether it still accepts connections. */
  | { readonly do: 'probe'; readonly by: 'health' | 'connect' }
  /** Let all waiters through. */
  | { readonly do: 'open' }
  | { readonly do: 'reject'; readonly error: TenementError }
  /** Wait until the last lease ends, at most drain_timeout, then `drained`. */
  | { readonly do: 'drain' }
  /** TERM, grace, KILL of the tree, then `gone`. */
  | { readonly do: 'kill' }
  /** The main process has ended or is given up: kill what is left of the tree, in the background; the next spawn waits for it. */
  | { readonly do: 'clean' }
  | { readonly do: 'timer'; readonly at: number };

/** What the machine must know of the moment. */
export interface Moment {
  readonly now: number;
  readonly waiters: number;
  readonly leases: number;
  readonly policy: RestartPolicy;
  /** The service has an idle timeout. What never sleeps is kept up once it has been ready. */
  readonly sleeps: boolean;
}

export interface Step {
  readonly facts: Facts;
  readonly effects: readonly Effect[];
}

/** Applies one event. An event that means nothing in the present state changes nothing. */
export function step(facts: Facts, event: Event, at: Moment): Step {
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
      return onAdopted(facts);
    case 'ready':
      return facts.state === 'starting' ? onReady(facts, at) : stay(facts);
    case 'start-failed':
      return facts.state === 'starting' ? onDeath(facts, false, event.error, at) : stay(facts);
    case 'exited':
      return onExit(facts, event.clean, event.error, at);
    case 'suspect':
      return facts.state === 'ready' ? starting(facts, 'suspect') : stay(facts);
    case 'unhealthy':
      return onUnhealthy(facts, at);
    case 'idle':
      return facts.state === 'ready' && at.leases === 0
        ? {
            facts: { ...facts, state: 'stopping', plan: { kind: 'rest' }, want: 'on-demand' },
            effects: [{ do: 'kill' }],
          }
        : stay(facts);
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

/** Whether a request may start it: `admission` has refused the others already. */
const mayStart = (facts: Facts): boolean =>
  !facts.closed && facts.want !== 'disabled' && facts.want !== 'down';

function onWake(facts: Facts, at: Moment): Step {
  if (!mayStart(facts)) return stay(facts);
  const due =
    facts.state === 'stopped' ||
    ((facts.state === 'backoff' || facts.state === 'failed') && at.now >= facts.until);
  return due ? starting(facts, 'spawn') : stay(facts);
}

/** What was disabled or held while its process was left running by a server that died is stopped now, never let through. */
function onAdopted(facts: Facts): Step {
  if (facts.state !== 'stopped') return stay(facts);
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
    case 'frozen':
    case 'starting':
      return drain({ ...facts, deaths: [] }, { kind: 'start' }, at);
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
  if (facts.state !== 'ready' && !probing) return stay(facts);
  const deaths = countDeath(facts.deaths, at.now, at.policy);
  const plan = afterDeath(
    { deaths, wasReady: true, clean: false, want: facts.want, wanted: true },
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

/** The process has ended, or its start came to nothing. */
function onDeath(facts: Facts, clean: boolean, error: TenementError, at: Moment): Step {
  const wasReady = facts.state !== 'starting' || facts.entry !== 'spawn';
  const deaths = countDeath(facts.deaths, at.now, at.policy);
  const wanted = wasReady && at.waiters > 0;
  const verdict = afterDeath({ deaths, wasReady, clean, want: facts.want, wanted }, at.policy, at.now);
  const effects: Effect[] = [{ do: 'clean' }];
  // Whoever waited for THIS start gets its outcome at once; after a death from ready they wait for the next one.
  if (!wasReady) effects.push({ do: 'reject', error });
  const next = follow({ ...facts, deaths }, verdict, wasReady ? at : { ...at, waiters: 0 });
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
