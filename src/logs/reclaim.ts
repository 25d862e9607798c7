import type { Stopwatch } from '../base/clock.js';
import type { HolePunch } from './hole-punch.js';
import type { LogLimits } from './limits.js';
import type { RawStream } from './raw-stream.js';

/** A process is started per punch: not more often than this, but in a flood, where the disk fills in a second. */
const INTERVAL_MS = 1000;
const FLOOD_INTERVAL_MS = 100;
/** File systems have a largest file size (ext4: 16 TiB), and punching keeps the size: begin anew long before. */
const LARGEST_SIZE = 2 ** 40;

/** Keeps one raw file small on disk while it is written. */
export class Reclaim {
  /** Settles when no freeing is under way. */
  settled: Promise<void> = Promise.resolve();
  #freed = 0;
  #busy = false;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly stream: RawStream,
    private readonly deps: { clock: Stopwatch; limits: LogLimits; punch: HolePunch },
  ) {}

  /** Frees what was read if that is worth it now (`closing`: it is the last chance for long). Freeing in place goes on in the background. */
  consider(closing = false): void {
    const { limits, punch, clock } = this.deps;
    if (this.stream.consumed < this.#freed) this.#freed = 0;
    const gain = this.stream.consumed - this.#freed;
    if (gain < limits.punchBytes) return;
    if (!punch.works || this.stream.consumed > LARGEST_SIZE) {
      if (this.stream.truncateIfConsumed()) this.#freed = 0;
      return;
    }
    const interval = gain > limits.backlogBytes ? FLOOD_INTERVAL_MS : INTERVAL_MS;
    if (this.#busy || (!closing && clock.monotonic() - this.#lastAt < interval)) return;
    this.#busy = true;
    this.#lastAt = clock.monotonic();
    this.settled = this.#punch(this.stream.consumed);
  }

  /** The file was emptied. */
  startOver(): void {
    this.#freed = 0;
  }

  async #punch(to: number): Promise<void> {
    this.#freed = await this.deps.punch.punch(this.stream.path, this.#freed, to);
    this.#busy = false;
  }
}
