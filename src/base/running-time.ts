/** More of them would not be noticed: what is waited for here takes seconds. */
const STEPS = 20;

/**
 * Calls `action` after `ms` in which this process ran; returns what cancels it. For bounds on waiting for something within the process or on its
 * machine. Accident stopped: a process that stood still for a while (a machine without a free processor, a paused one) finds its timers due
 * before it sees what was done for it meanwhile, and would give that up. Here such a while counts as a twentieth of `ms` at most.
 */
export function afterRunning(ms: number, action: () => void): () => void {
  let left = STEPS;
  const step = () => {
    left -= 1;
    if (left > 0) timer = setTimeout(step, ms / STEPS);
    else action();
  };
  let timer = setTimeout(step, ms / STEPS);
  return () => clearTimeout(timer);
}
