/** Which processes belong to a run, on Linux without a cgroup: what /proc proves. */
import type { KnownProcess } from './contract.js';
import { findProcesses, hasMarker, isAlive, type ProcStat, readStat, uidsOf } from './proc.js';

/** Pids of live processes that were started with the run's marker in their environment. */
export async function markedProcesses(run: string): Promise<number[]> {
  return (await findProcesses(({ pid }) => hasMarker(pid, run))).map((stat) => stat.pid);
}

/** Pids of live processes that run, or may run again, as `uid`. */
export async function processesOf(uid: number): Promise<number[]> {
  return (await findProcesses(({ pid }) => uidsOf(pid).includes(uid))).map((stat) => stat.pid);
}

export type Known = KnownProcess;

/**
 * Live members of a run: marked ones, those seen before, those of the main process' session while that process lives (an app may have
 * overwritten its environment), and all their descendants. After the main process has ended, its number may become a stranger's, so
 * its session proves nothing any more.
 */
export async function membersOfRun(run: string, main: Known, seenBefore: readonly Known[]): Promise<Known[]> {
  const stats = await findProcesses(() => true);
  const known = new Set([main, ...seenBefore].map(nameOf));
  const mainLives = stats.some((stat) => nameOf(stat) === nameOf(main));
  const members = new Map<number, ProcStat>();
  for (const stat of stats) {
    const inSession = mainLives && (stat.session === main.pid || stat.pgrp === main.pid);
    if (inSession || known.has(nameOf(stat)) || hasMarker(stat.pid, run)) members.set(stat.pid, stat);
  }
  for (let grown = true; grown; ) {
    const children = stats.filter((stat) => members.has(stat.ppid) && !members.has(stat.pid));
    for (const child of children) members.set(child.pid, child);
    grown = children.length > 0;
  }
  return [...members.values()];
}

/** SIGKILL, unless the number belongs to another process by now; whether that process lived. */
export function killKnown(known: Known): boolean {
  const stat = readStat(known.pid);
  if (!isAlive(stat) || stat.startTime !== known.startTime) return false;
  try {
    process.kill(known.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
  return true;
}

function nameOf(known: Known): string {
  return `${known.pid} ${known.startTime}`;
}
