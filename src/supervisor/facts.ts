/** What the state machine of an instance (lifecycle.ts) knows, is told and has done. Its times are of Stopwatch.monotonic. */
import type { TenementError } from '../base/errors.js';
import type { State, Want } from './control.js';
import type { RestartPolicy, Verdict } from './policy.js';

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
  /** In `frozen`: somebody asked, and it is being thawed. */
  readonly thawing: boolean;
  /** In `starting`: the starts just before this one that found another program on their port. */
  readonly collisions: number;
}

export const initialFacts = (want: Want): Facts => ({
  state: 'stopped',
  want,
  entry: 'spawn',
  plan: { kind: 'rest' },
  deaths: [],
  until: 0,
  closed: false,
  thawing: false,
  collisions: 0,
});

export type Event =
  | { readonly type: 'wake' }
  /** `want` is `up` for what the config lists; a person's start becomes `up` only once it was ready: until then its failure is told, not repeated. */
  | { readonly type: 'start'; readonly want: 'up' | 'on-demand' }
  | { readonly type: 'stop'; readonly want: Want; readonly why: TenementError }
  | { readonly type: 'restart' }
  | { readonly type: 'shutdown' }
  /** `frozen`: the last server left it so. */
  | { readonly type: 'adopted'; readonly frozen: boolean }
  | { readonly type: 'ready' }
  /** The start came to nothing: spawn error, deadline, stranger on the port. The process, if any, may still live. */
  | { readonly type: 'start-failed'; readonly error: TenementError }
  | { readonly type: 'exited'; readonly clean: boolean; readonly error: TenementError }
  | { readonly type: 'suspect' }
  | { readonly type: 'unhealthy'; readonly why: string }
  | { readonly type: 'idle' }
  | { readonly type: 'thawed' }
  /** Part of it may be held and part not: it cannot be left like that. */
  | { readonly type: 'freeze-failed' }
  | { readonly type: 'thaw-failed' }
  /** It was frozen for as long as it may be. */
  | { readonly type: 'freeze-over' }
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
  /** Holds all its processes where they are. No connection to it may be kept: it could not see to it that they stay good. */
  | { readonly do: 'freeze' }
  /** Lets them go on, then `thawed`. */
  | { readonly do: 'thaw' }
  /** Thaws what is frozen; TERM, grace, KILL of the tree, then `gone`. */
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
  /** What sleeps is frozen and not stopped: the service says so, and it can be done. */
  readonly freezes: boolean;
  /** Its process has a port that is its own for this run only: the next one gets another. */
  readonly changesPort: boolean;
}

export interface Step {
  readonly facts: Facts;
  readonly effects: readonly Effect[];
}
