/** When a dead instance is started again. Pure. */
import type { Want } from './control.js';

/** What of a service's config decides about restarts. Times in milliseconds. */
export interface RestartPolicy {
  readonly restart: 'always' | 'on-failure' | 'never';
  readonly maxRestarts: number;
  readonly windowMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

export interface Death {
  /** Times (monotonic) of all deaths within the window, this one included, oldest first. */
  readonly deaths: readonly number[];
  /** It had been ready, or was adopted. */
  readonly wasReady: boolean;
  /** Starts in a row, this one included, that found another program on their port; 0 when it died of something else. */
  readonly collisions: number;
  /** It ended by itself with exit code 0. */
  readonly clean: boolean;
  readonly want: Want;
  /** Someone waits for it. */
  readonly wanted: boolean;
}

/** What follows a death. `until`: monotonic. */
export type Verdict =
  | { readonly kind: 'rest' }
  | { readonly kind: 'start' }
  | { readonly kind: 'backoff'; readonly until: number }
  | { readonly kind: 'failed'; readonly until: number };

/** Drops deaths that have left the window and adds one now. */
export function countDeath(deaths: readonly number[], now: number, policy: RestartPolicy): number[] {
  return [...deaths.filter((at) => now - at < policy.windowMs), now];
}

/** How many starts in a row are repeated at once with another port. What meets somebody on a third one, too, is no accident. */
const OTHER_PORTS = 2;

/**
 * The first death from ready restarts at once, so that requests need only wait; then delays double; more than `maxRestarts`
 * deaths within the window and the instance has failed until enough of them have left the window.
 * An app that ended cleanly and that nobody waits for rests, unless the service says `restart = "always"`.
 *
 * The accident: between the trial of a port and the app's bind() another program took it, such as an instance of a second server. It is not
 * the app's fault, and who waits need not know.
 */
export function afterDeath(death: Death, policy: RestartPolicy, now: number): Verdict {
  if (death.want === 'disabled' || death.want === 'down') return { kind: 'rest' };
  const collided = death.collisions > 0 && death.collisions <= OTHER_PORTS;
  if (collided && (death.wanted || death.want === 'up')) return { kind: 'start' };
  const mayRest =
    policy.restart === 'never' || (death.clean && death.wasReady && policy.restart !== 'always');
  if (mayRest && !(death.wanted && death.wasReady)) return { kind: 'rest' };

  const count = death.deaths.length;
  if (count > policy.maxRestarts) {
    const last = death.deaths[count - 1 - policy.maxRestarts] ?? now;
    return { kind: 'failed', until: last + policy.windowMs };
  }
  if (death.wasReady && count === 1) return { kind: 'start' };
  const doublings = death.wasReady ? count - 2 : count - 1;
  const delay = Math.min(policy.backoffMaxMs, policy.backoffBaseMs * 2 ** doublings);
  return { kind: 'backoff', until: now + delay };
}

/** Of what only we can mend, and nobody tells us that it is. */
const OUR_TROUBLE_RETRY_MS = 10_000;

/** What follows a start that failed for want of something of ours. Who waits for nobody to ask is tried again; a request tries at once. */
export function afterOurTrouble(want: Want, policy: RestartPolicy, now: number): Verdict {
  if (want !== 'up') return { kind: 'rest' };
  return { kind: 'backoff', until: now + Math.min(policy.backoffMaxMs, OUR_TROUBLE_RETRY_MS) };
}
