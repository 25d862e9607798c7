/** Reading /proc (proc(5)). Every function tolerates that a process vanishes at any moment: it answers undefined or leaves it out. */
import { readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';

/** The name of the environment variable that marks all processes of one run. */
export const RUN_MARKER = 'TENEMENT_RUN';

/** Some fields of /proc/PID/stat. Times are clock ticks (100 a second on every Linux that Node runs on). */
export interface ProcStat {
  readonly pid: number;
  /** R, S, D, Z ... */
  readonly state: string;
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
  /** utime + stime. */
  readonly cpuTicks: number;
  /** Since boot; with the pid and the boot id it names one process for ever. */
  readonly startTime: string;
  readonly residentPages: number;
}

/** Parses /proc/PID/stat. The command's name may contain spaces and parentheses, so fields are counted from the last ")". */
export function parseStat(text: string): ProcStat | undefined {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const [state, ppid, pgrp, session] = fields;
  const startTime = fields[19];
  if (end < 0 || state === undefined || startTime === undefined) return undefined;
  return {
    pid: Number.parseInt(text, 10),
    state,
    ppid: Number(ppid),
    pgrp: Number(pgrp),
    session: Number(session),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    startTime,
    residentPages: Number(fields[21]),
  };
}

/** A zombie has ended: it only waits for its parent to notice. */
export function isAlive(stat: ProcStat | undefined): stat is ProcStat {
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/**
 * Also for the moment right after a spawn: before the event loop turns, our child cannot have been reaped and its pid cannot be another's.
 * Read at once and not in the thread pool: /proc is memory, and a trip to a thread and back costs many times the reading.
 */
export function readStat(pid: number): ProcStat | undefined {
  const text = readNow(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** Whether the environment with which `pid` was started has TENEMENT_RUN=`run`. False also when we may not look. */
export function hasMarker(pid: number, run: string): boolean {
  return (readNow(`/proc/${pid}/environ`) ?? '').split('\0').includes(`${RUN_MARKER}=${run}`);
}

/** Real, effective, saved and file system uid. */
export function uidsOf(pid: number): number[] {
  const line = /^Uid:\s+(.*)$/m.exec(readNow(`/proc/${pid}/status`) ?? '')?.[1];
  return line === undefined ? [] : line.split(/\s+/).map(Number);
}

/** Live processes, ourselves left out, of which `test` is true. Lets other work in between every few, as there may be thousands. */
export async function findProcesses(test: (stat: ProcStat) => boolean): Promise<ProcStat[]> {
  const found: ProcStat[] = [];
  const names = await readdir('/proc').catch(() => []);
  for (const [i, name] of names.filter((entry) => /^\d+$/.test(entry)).entries()) {
    if (i % 64 === 63) await new Promise(setImmediate);
    const stat = readStat(Number(name));
    if (isAlive(stat) && stat.pid !== process.pid && test(stat)) found.push(stat);
  }
  return found;
}

function readNow(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** `pid` and its live descendants, without looking at any other process (/proc/PID/task/TID/children). Orphans are not found. */
export async function descendants(pid: number): Promise<number[]> {
  const found = [pid];
  for (let i = 0; i < found.length; i += 1) {
    const base = `/proc/${found[i]}/task`;
    const threads = await readdir(base).catch(() => []);
    const lists = await Promise.all(
      threads.map((tid) => readFile(`${base}/${tid}/children`, 'latin1').catch(() => '')),
    );
    for (const child of lists.join(' ').split(' ')) {
      if (child !== '' && !found.includes(Number(child))) found.push(Number(child));
    }
  }
  return found;
}

/** Children of `pid`'s main thread, at once. */
export function childrenOf(pid: number): number[] {
  return (readNow(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number);
}

/** Inodes of the sockets that `pid` holds open. Empty also when we may not look. */
export async function socketInodes(pid: number): Promise<string[]> {
  const base = `/proc/${pid}/fd`;
  const fds = await readdir(base).catch(() => []);
  const links = await Promise.all(fds.map((fd) => readlink(`${base}/${fd}`).catch(() => '')));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
