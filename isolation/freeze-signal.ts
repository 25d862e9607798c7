/** Holding processes by SIGSTOP: for machines without a freezer. A parent can see it, and whoever may signal them can undo it. */
import { TenementError } from '../src/base/errors.js';
import type { Hold } from './hold.js';
import { Pauses } from './poll.js';
import { findProcesses, isAlive, type ProcStat, readStat } from './proc.js';
import type { Tree } from './tree.js';

/** A fork bomb, or a process that may not be signalled, is not waited for longer. */
const PATIENCE_MS = 20_000;
/**
 * A process may fork between the look at the list and its own stop, and that child is on the next list. On the list after one on which all
 * were stopped there is nobody new.
 */
const CLEAN_LOOKS = 2;

/** `mayBeHeld`: by an earlier server, so that it is not known what the app itself had stopped. */
export function bySignal(tree: Tree, mayBeHeld: boolean): Hold {
  /** Start times by pid. What the app itself had stopped is not here, and stays stopped. */
  const held = new Map<number, string | undefined>();
  let unknown = mayBeHeld;

  /** Whether it had to be told, and may still run. */
  const stop = (pid: number): boolean => {
    const stat = readStat(pid);
    // Its parent is stopped and cannot reap it.
    if (stat !== undefined && !isAlive(stat)) return false;
    const told = held.has(pid) && held.get(pid) === stat?.startTime;
    // Whoever waits in the kernel stops before it goes on; that may be never, as for the parent of a vfork(2) whose child is stopped.
    if (stat === undefined ? told : isStopped(stat) || (told && stat.state === 'D')) return false;
    if (!signal(pid, 'SIGSTOP')) return false;
    held.set(pid, stat?.startTime);
    return true;
  };

  return {
    async hold(thawed) {
      const deadline = performance.now() + PATIENCE_MS;
      const pauses = new Pauses();
      for (let clean = 0; clean < CLEAN_LOOKS; ) {
        const pids = await tree.members();
        if (thawed.aborted) return;
        const running = pids.filter(stop);
        clean = running.length === 0 ? clean + 1 : 0;
        if (running.length === 0) continue;
        if (performance.now() > deadline) {
          throw new TenementError('isolation_unavailable', `${running.join(', ')} could not be stopped`);
        }
        await pauses.wait();
      }
    },
    async release() {
      // No search before: somebody waits for this.
      for (const [pid, startTime] of held) {
        if (readStat(pid)?.startTime === startTime) signal(pid, 'SIGCONT');
      }
      held.clear();
      if (!unknown) return;
      const pids = await tree.members();
      // To all: a stop may be pending.
      if (pids.map(readStat).some((stat) => stat === undefined || isStopped(stat))) {
        for (const pid of pids) signal(pid, 'SIGCONT');
      }
      unknown = false;
    },
    async isHeld() {
      if (held.size > 0) return true;
      return (await isAnyStopped()) && (await tree.members()).map(readStat).some(isStopped);
    },
  };
}

let looking: Promise<boolean> | undefined;

/**
 * Whether anything on this machine is stopped. One look for all who ask meanwhile: a server that comes up asks for hundreds, each of which would
 * have all processes searched for its own. Who stopped those has ended before.
 */
function isAnyStopped(): Promise<boolean> {
  looking ??= findProcesses(isStopped)
    .then((found) => found.length > 0)
    .finally(() => {
      looking = undefined;
    });
  return looking;
}

/** By a signal, not by a debugger. */
const isStopped = (stat: ProcStat | undefined): boolean => stat?.state === 'T';

/** Whether there was such a process, ours to signal or not. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
