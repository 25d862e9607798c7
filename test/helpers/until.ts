import { setTimeout as pause } from 'node:timers/promises';
import { patience } from './patience.js';

/** Polls until `condition` holds; fails, naming what was waited for, when it does not within a generous bound. */
export async function until(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  boundMs = patience(60_000),
): Promise<void> {
  const deadline = performance.now() + boundMs;
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`still waiting after ${boundMs} ms: ${typeof what === 'string' ? what : what()}`);
    await pause(10);
  }
}
