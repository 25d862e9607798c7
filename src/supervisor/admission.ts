/** Whether a request may wait for an instance that is not ready. Pure. */
import { TenementError } from '../base/errors.js';
import type { Facts } from './facts.js';
import { failedError } from './lifecycle.js';

export type Admission =
  | { readonly kind: 'wait'; readonly budgetMs: number }
  | { readonly kind: 'refuse'; readonly error: TenementError };

/** Times in milliseconds. */
export interface Budgets {
  readonly startupMs: number;
  readonly stopMs: number;
  readonly drainMs: number;
}

/** Whether a request may wait, and how long at most. `now`: monotonic. In `ready` nobody needs to ask. */
export function admission(facts: Facts, now: number, budgets: Budgets): Admission {
  const refuse = (error: TenementError): Admission => ({ kind: 'refuse', error });
  if (facts.closed) return refuse(new TenementError('shutting_down', undefined, { retryAfterSecs: 5 }));
  if (facts.want === 'disabled')
    return refuse(new TenementError('disabled', undefined, { retryAfterSecs: 300 }));
  if (facts.want === 'down') return refuse(new TenementError('held', undefined, { retryAfterSecs: 300 }));
  if (facts.state === 'failed' && now < facts.until) return refuse(failedError(facts, now));
  const remaining = Math.max(0, facts.until - now);
  if (facts.state === 'backoff' && remaining > budgets.startupMs) {
    return refuse(new TenementError('backoff', undefined, { retryAfterSecs: Math.ceil(remaining / 1000) }));
  }
  const before = {
    draining: budgets.drainMs + budgets.stopMs,
    stopping: budgets.stopMs,
    backoff: remaining,
    starting: facts.entry === 'spawn' ? 0 : budgets.stopMs + budgets.startupMs,
  }[facts.state as string];
  return { kind: 'wait', budgetMs: (before ?? 0) + LAUNCH_MS + budgets.startupMs };
}

/**
 * Until there is a process, from which `startup_timeout` counts: when hundreds are woken at once, they queue for processors and systemd. The
 * start's own deadline comes first and knows the reason; the waiter's bound is only a safety net.
 */
const LAUNCH_MS = 60_000;
