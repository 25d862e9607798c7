import type { Clock, Timer } from '../../src/base/clock.js';

/**
 * A clock that only moves when told to. The time of day starts at 1,000,000,000,000 ms (2001-09-09), monotonic time elsewhere, as in
 * life: whoever mixes them is far off.
 */
export class FakeClock implements Clock {
  /** Monotonic. */
  #at = 5_000_000;
  /** What the time of day is ahead of that. */
  #ahead = 1_000_000_000_000 - this.#at;
  #order = 0;
  readonly #timers = new Set<{ due: number; order: number; action: () => void }>();

  now(): number {
    return this.#at + this.#ahead;
  }

  monotonic(): number {
    return this.#at;
  }

  /** Somebody sets the time of day: `ms` ahead, or back. Nothing else moves. */
  stepWall(ms: number): void {
    this.#ahead += ms;
  }

  after(ms: number, action: () => void): Timer {
    this.#order += 1;
    const timer = { due: this.#at + Math.max(0, ms), order: this.#order, action };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** How many timers wait: a test can check that nothing was left behind. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer, or undefined when none waits. */
  get untilNext(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.due - this.#at;
  }

  /**
   * Moves time by `ms`, that of the day and the monotonic one alike. Due timers run in the order of their time, each seeing `now()` at its own time; timers that they set
   * run too when they fall within. Synchronous: promises that they resolve are served after the caller's next await.
   */
  advance(ms: number): void {
    const end = this.#at + ms;
    for (let next = this.#next(); next !== undefined && next.due <= end; next = this.#next()) {
      this.#timers.delete(next);
      this.#at = next.due;
      next.action();
    }
    this.#at = end;
  }

  /** Like `advance`, but lets promise chains and I/O callbacks run after each timer, so that code which awaits between timers keeps up. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#at + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next.due <= end; next = this.#next()) {
      this.#timers.delete(next);
      this.#at = next.due;
      next.action();
      await settle();
    }
    this.#at = end;
  }

  #next(): { due: number; order: number; action: () => void } | undefined {
    let first: { due: number; order: number; action: () => void } | undefined;
    for (const timer of this.#timers) {
      if (
        first === undefined ||
        timer.due < first.due ||
        (timer.due === first.due && timer.order < first.order)
      )
        first = timer;
    }
    return first;
  }
}

/** Two turns of the event loop: enough for promise chains; real I/O needs to be awaited by the test itself. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
