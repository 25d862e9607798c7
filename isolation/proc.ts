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

export async function readStat(pid: number): Promise<ProcStat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  return text === undefined ? undefined : parseStat(text);
}

/** For the moment right after a spawn: before the event loop turns, our child cannot have been reaped and its pid cannot be another's. */
export function readStatNow(pid: number): ProcStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** All pids but our own. */
export async function listPids(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  return names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).map(Number);
}

/** The live ones of all processes but ourselves. */
export async function listStats(): Promise<ProcStat[]> {
  const stats = await Promise.all((await listPids()).map(readStat));
  return stats.filter(isAlive);
}

/** Whether the environment with which `pid` was started has TENEMENT_RUN=`run`. False also when we may not look. */
export async function hasMarker(pid: number, run: string): Promise<boolean> {
  const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environ.split('\0').includes(`${RUN_MARKER}=${run}`);
}

/** Real, effective, saved and file system uid. */
export async function uidsOf(pid: number): Promise<number[]> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const line = /^Uid:\s+(.*)$/m.exec(status)?.[1];
  return line === undefined ? [] : line.split(/\s+/).map(Number);
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

/** Inodes of the sockets that `pid` holds open. Empty also when we may not look. */
export async function socketInodes(pid: number): Promise<string[]> {
  const base = `/proc/${pid}/fd`;
  const fds = await readdir(base).catch(() => []);
  const links = await Promise.all(fds.map((fd) => readlink(`${base}/${fd}`).catch(() => '')));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
