/** Open requests and upgrades of one process: counted before the first await, given back when the last byte is through. */
import { setMaxListeners } from 'node:events';
import type { Stopwatch } from '../base/clock.js';
import type { TenementError } from '../base/errors.js';

/** One counted claim. */
export interface Claim {
  readonly closing: AbortSignal;
  /** Idempotent. True for the call that really gave it back. `endedAt` (monotonic): when its last byte was through, if that was earlier. */
  release(endedAt?: number): boolean;
}

export class Leases {
  readonly #clock: Stopwatch;
  readonly #onEmpty: () => void;
  readonly #closing = new AbortController();
  #count = 0;
  #idleSince: number;
  /** The latest end of any lease: they may be told out of order. */
  #lastEnd = 0;

  /** `onEmpty` is called each time the last lease has ended. */
  constructor(clock: Stopwatch, onEmpty: () => void) {
    this.#clock = clock;
    this.#onEmpty = onEmpty;
    this.#idleSince = clock.monotonic();
    // One listener for each open request is normal here, not a leak.
    setMaxListeners(0, this.#closing.signal);
  }

  get count(): number {
    return this.#count;
  }

  /** Milliseconds since the last lease ended (or since the process began); 0 while one is open. */
  get idleMs(): number {
    return this.#count > 0 ? 0 : this.#clock.monotonic() - this.#idleSince;
  }

  /** Idleness is counted from now on: a slow start is not idle time. */
  touch(): void {
    this.#idleSince = this.#clock.monotonic();
  }

  take(): Claim {
    this.#count += 1;
    let open = true;
    return {
      closing: this.#closing.signal,
      release: (endedAt) => {
        if (!open) return false;
        open = false;
        this.#count -= 1;
        const now = this.#clock.monotonic();
        this.#lastEnd = Math.max(this.#lastEnd, endedAt ?? now);
        if (this.#count === 0) {
          this.#idleSince = this.#lastEnd;
          this.#onEmpty();
        }
        return true;
      },
    };
  }

  /** Tells all that is open that it must end now, and why. */
  close(why: TenementError): void {
    this.#closing.abort(why);
  }
}
