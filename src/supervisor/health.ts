/** Periodic health checks of one instance, on its own timer: a slow one delays nobody else. */
import type { Stopwatch, Timer } from '../base/clock.js';
import type { HealthAnswer } from './readiness.js';

export type Condition = 'healthy' | 'degraded' | 'unhealthy';

/** How many failures in a row make an instance unhealthy. */
export const FAILURES_TO_UNHEALTHY = 3;

/**
 * What one answer means (pure). A timeout while a request of that instance is in flight is *busy*, not a failure: a
 * single-threaded app cannot answer both.
 */
export function countFailures(before: number, answer: HealthAnswer, inFlight: boolean): number {
  if (answer.kind === 'healthy') return 0;
  if (answer.kind === 'timeout' && inFlight) return before;
  return before + 1;
}

/** (pure) */
export function conditionOf(failures: number): Condition {
  if (failures === 0) return 'healthy';
  return failures < FAILURES_TO_UNHEALTHY ? 'degraded' : 'unhealthy';
}

/** A sentence about an answer that was not healthy. */
export function describeAnswer(answer: HealthAnswer): string {
  switch (answer.kind) {
    case 'healthy':
      return 'it is healthy';
    case 'refused':
      return 'nothing accepts connections on its address';
    case 'timeout':
      return 'the health check got no answer in time';
    case 'bad':
      return answer.reason;
  }
}

interface HealthLoopOptions {
  readonly clock: Stopwatch;
  /** Asked before each check: a reload may change it. */
  readonly intervalMs: () => number;
  readonly ask: () => Promise<HealthAnswer>;
  /** True when a request is in flight, asked both before and after a check. */
  readonly inFlight: () => boolean;
  readonly onUnhealthy: (why: string) => void;
}

export class HealthLoop {
  failures = 0;
  lastProblem: string | undefined;
  readonly #options: HealthLoopOptions;
  #timer: Timer | undefined;
  /** Another for each pause: the answer to a check that was under way then says nothing. */
  #round = 0;
  #runs = true;

  constructor(options: HealthLoopOptions) {
    this.#options = options;
    this.#schedule();
  }

  /** No more checks. What was counted stays, and a check under way is forgotten. Idempotent. */
  pause(): void {
    this.#runs = false;
    this.#round += 1;
    this.#timer?.cancel();
  }

  /** The next check is a whole interval away. Idempotent. */
  resume(): void {
    if (this.#runs) return;
    this.#runs = true;
    this.#schedule();
  }

  /** Spread over +-10 % so that instances started together are not all asked in the same moment for ever. */
  #schedule(): void {
    const jitter = 0.9 + Math.random() * 0.2;
    this.#timer = this.#options.clock.after(this.#options.intervalMs() * jitter, () => void this.#check());
  }

  async #check(): Promise<void> {
    const round = this.#round;
    const busyBefore = this.#options.inFlight();
    // A check that breaks says nothing good of the instance, and must not be the last one.
    const answer = await this.#options
      .ask()
      .catch((error: unknown): HealthAnswer => ({ kind: 'bad', reason: `the check broke off: ${error}` }));
    if (this.#round !== round) return;
    this.failures = countFailures(this.failures, answer, busyBefore || this.#options.inFlight());
    // Once it is over it hides no more what its last end was about.
    this.lastProblem = answer.kind === 'healthy' ? undefined : describeAnswer(answer);
    if (conditionOf(this.failures) === 'unhealthy') {
      this.#options.onUnhealthy(describeAnswer(answer));
      return;
    }
    this.#schedule();
  }
}
