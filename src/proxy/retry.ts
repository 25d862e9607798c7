/** Whether a request may be sent again (product.md, Routing). Pure. */

/** How far an attempt got: nothing written; (perhaps) written and unanswered; something answered. */
export type Phase = 'connecting' | 'sent' | 'answered';

export interface RetryFacts {
  readonly method: string;
  readonly phase: Phase;
  /** The instance refused or broke the connection; false for timeouts, our own limits and answers that make no sense. */
  readonly broke: boolean;
  /** The body is empty, not yet begun, or wholly kept. */
  readonly replayable: boolean;
  /** Retries so far, by the phase in which they became necessary. */
  readonly refused: number;
  readonly resent: number;
}

/** RFC 9110 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** A connection that was refused may be tried this often again: each try first waits for the supervisor's verdict. */
const MAX_REFUSED = 3;

export function mayRetry(facts: RetryFacts): boolean {
  if (!facts.broke || !facts.replayable || facts.phase === 'answered') return false;
  if (facts.phase === 'connecting') return facts.refused < (isIdempotent(facts.method) ? MAX_REFUSED : 1);
  // Written and unanswered: the app may have acted on it, so a POST is never sent twice.
  return isIdempotent(facts.method) && facts.resent < 1;
}
