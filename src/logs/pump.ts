import type { Stopwatch } from '../base/clock.js';

/** One short piece of reading. `cost`: bytes handled; `more`: it has not come to the end. */
export interface Turn {
  readonly cost: number;
  readonly more: boolean;
}

interface PumpTask {
  turn(): Promise<Turn>;
}

/** Events of one line come in bursts; a moment's wait turns them into one read. */
const GATHER_MS = 10;
const LEAST_PAUSE_MS = 2;

/**
 * Lets many instances take turns, one at a time and each for one chunk, so that a flood in one delays the others by a chunk only,
 * and pauses after each turn in proportion to its cost, so that all together take a bounded share of the processor.
 */
export class Pump {
  readonly #waiting = new Set<PumpTask>();
  #running = false;
  #stopped = false;
  /** Bytes handled since the last pause. */
  #debt = 0;
  #wakeUp: (() => void) | undefined;

  constructor(
    private readonly clock: Stopwatch,
    private readonly bytesPerSecond: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** The task gets turns until it has no more. */
  schedule(task: PumpTask): void {
    if (this.#stopped) return;
    this.#waiting.add(task);
    if (!this.#running) void this.#run();
  }

  cancel(task: PumpTask): void {
    this.#waiting.delete(task);
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
    this.#wakeUp?.();
  }

  async #run(): Promise<void> {
    this.#running = true;
    await this.#pause(GATHER_MS);
    for (;;) {
      const [task] = this.#waiting;
      if (task === undefined) break;
      this.#waiting.delete(task);
      try {
        const turn = await task.turn();
        this.#debt += turn.cost;
        // To the end of the queue: the others come first.
        if (turn.more && !this.#stopped) this.#waiting.add(task);
      } catch (error) {
        this.onError(error);
      }
      // A timer's step is a millisecond: small costs are summed up, or a thousand short lines would take a second.
      const dueMs = (this.#debt / this.bytesPerSecond) * 1000;
      if (dueMs < LEAST_PAUSE_MS) continue;
      this.#debt = 0;
      await this.#pause(dueMs);
    }
    this.#running = false;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.after(ms, resolve);
      this.#wakeUp = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
