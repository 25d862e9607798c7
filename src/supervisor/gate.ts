/** Those who wait for an instance to become ready: three outcomes each (let through, refused with a cause, timed out or left). */
import type { Stopwatch } from '../base/clock.js';
import { TenementError } from '../base/errors.js';

interface Waiter {
  pass(): void;
  fail(error: Error): void;
}

export class Gate {
  readonly #waiters = new Set<Waiter>();
  readonly #clock: Stopwatch;

  constructor(clock: Stopwatch) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Waits until the gate opens. `claim` runs inside `open`, before anything else can happen: whoever was let through has his
   * lease counted already when the next event is looked at, so that an idle stop cannot slip in between.
   * Rejects with the cause of `refuse`, with `start_timeout` after `budgetMs`, or with the signal's reason when the caller left.
   */
  wait<T>(claim: () => T, budgetMs: number, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = () => {
        this.#waiters.delete(waiter);
        timer.cancel();
        signal?.removeEventListener('abort', left);
      };
      const waiter: Waiter = {
        pass: () => {
          settle();
          try {
            resolve(claim());
          } catch (error) {
            // One claim that cannot be given must not keep the others from theirs.
            reject(error);
          }
        },
        fail: (error) => {
          settle();
          reject(error);
        },
      };
      const left = () =>
        waiter.fail(signal?.reason instanceof Error ? signal.reason : new Error('the caller left'));
      const timer = this.#clock.after(budgetMs, () =>
        waiter.fail(
          new TenementError(
            'start_timeout',
            `The instance was not ready after ${Math.round(budgetMs / 1000)} s of waiting`,
            {
              retryAfterSecs: 5,
            },
          ),
        ),
      );
      if (signal?.aborted) {
        left();
        return;
      }
      signal?.addEventListener('abort', left, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Lets everyone through, first come first. */
  open(): void {
    for (const waiter of [...this.#waiters]) waiter.pass();
  }

  refuse(error: Error): void {
    for (const waiter of [...this.#waiters]) waiter.fail(error);
  }
}
