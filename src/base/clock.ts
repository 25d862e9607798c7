/** Time and timers as a dependency, so that unit tests move time by hand instead of sleeping. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `action` once after `ms`. The timer never keeps the process alive. */
  after(ms: number, action: () => void): Timer;
}

export interface Timer {
  /** Idempotent; after it returns the action does not run. */
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, action) {
    // setTimeout wraps above 2^31-1 ms and would fire at once.
    const timer = setTimeout(action, Math.min(ms, 0x7fffffff));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
