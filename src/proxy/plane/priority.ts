import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';

/** Nice value: about three times the share of a processor that others get, and it seldom waits for them (sched(7)). */
const NICE = -5;

/**
 * Puts this thread before the server's other work, which may take its time: starting processes, reading logs. Only root or who has
 * CAP_SYS_NICE may; for others nothing changes. Instances don't inherit it, because other threads start them.
 */
export function preferThisThread(): void {
  try {
    // On Linux a nice value belongs to a thread, and this names the calling one: PID/task/TID (proc(5)).
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICE);
  } catch {
    // Not Linux, or not allowed.
  }
}
