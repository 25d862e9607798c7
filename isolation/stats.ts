/** What a run uses. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { groupProcesses } from './cgroup.js';
import type { Ref, Stats } from './contract.js';
import { descendants, isAlive, readStat } from './proc.js';

/** Linux on every machine that Node supports in practice; kernels with 64 KiB pages would show too little. */
const PAGE_BYTES = 4096;
const TICKS_PER_SECOND = 100;

async function legacyMemory(ref: Ref): Promise<string | undefined> {
  for (const directory of ref.legacyCgroups ?? []) {
    const text = await readFile(join(directory, 'memory.usage_in_bytes'), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Cheap: reads the run's own files, never all of /proc. Without a cgroup, children that left the tree are not counted. */
export async function statsOf(ref: Ref): Promise<Stats> {
  const root = ref.init?.pid ?? ref.pid;
  const pids = ref.cgroup === undefined ? await descendants(root) : await groupProcesses(ref.cgroup);
  // Pid 1 of its namespace and that one's parent are ours.
  const wrappers = ref.init === undefined ? [] : [ref.init.pid, readStat(ref.init.pid)?.ppid];
  const live = pids
    .filter((pid) => !wrappers.includes(pid))
    .map(readStat)
    .filter(isAlive);
  const resident = live.reduce((sum, stat) => sum + stat.residentPages, 0) * PAGE_BYTES;
  const ticks = live.reduce((sum, stat) => sum + stat.cpuTicks, 0);
  const accounted =
    ref.cgroup === undefined
      ? undefined
      : await readFile(join(ref.cgroup, 'memory.current'), 'utf8').catch(() => legacyMemory(ref));
  return {
    memoryBytes: accounted === undefined ? resident : Number(accounted),
    cpuSecs: ticks / TICKS_PER_SECOND,
    tasks: live.length,
  };
}
