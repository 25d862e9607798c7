/** Time and timers as a dependency, so that unit tests move time by hand instead of sleeping. */

/**
 * What durations are measured with: time that only goes forward. The wall clock is set ahead and back under a running server
 * (NTP soon after a boot, a person, a resumed VM), and must make nothing happen early or late.
 */
export interface Stopwatch {
  /**
   * Milliseconds, with a fraction, since some moment: only differences mean anything. The same for all threads and processes of
   * a machine, until it boots again; never to be saved. It counts as the timers do: on Linux not while the machine is suspended.
   */
  monotonic(): number;
  /** Calls `action` once after `ms`. The timer never keeps the process alive. */
  after(ms: number, action: () => void): Timer;
}

/** For those who also tell the time of day: for what is shown, recorded, or compared with what was recorded. */
export interface Clock extends Stopwatch {
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface Timer {
  /** Idempotent; after it returns the action does not run. */
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  // CLOCK_MONOTONIC (clock_gettime(2)). Not performance.now(): each thread has a zero of its own.
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  after(ms, action) {
    // setTimeout wraps above 2^31-1 ms and would fire at once; a fraction it would cut off, and fire too early.
    const timer = setTimeout(action, Math.min(Math.ceil(ms), 0x7fffffff));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
