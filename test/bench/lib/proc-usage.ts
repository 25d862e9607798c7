/** What a tree of processes has used, read from /proc (proc(5)). Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** sysconf(_SC_CLK_TCK): 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface ProcStat {
  readonly pid: number;
  readonly ppid: number;
  /** Seconds in user and system mode: all threads, and the children that were waited for. */
  readonly cpuSeconds: number;
}

/** Parses /proc/PID/stat. The name, in parentheses, may itself hold spaces and parentheses. */
export function parseStat(text: string): ProcStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  const ticks = field(14) + field(15) + field(16) + field(17);
  return { pid: Number.parseInt(text, 10), ppid: field(4), cpuSeconds: ticks / TICKS_PER_SECOND };
}

/** `root` and everything below it, without the trees that start at a pid of `except`. */
export function processTree(root: number, except: ReadonlySet<number> = new Set()): ProcStat[] {
  const all: ProcStat[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = read(`/proc/${name}/stat`);
    if (text !== undefined) all.push(parseStat(text));
  }
  const tree: ProcStat[] = [];
  const add = (stat: ProcStat) => {
    if (except.has(stat.pid)) return;
    tree.push(stat);
    for (const child of all) if (child.ppid === stat.pid) add(child);
  };
  for (const stat of all) if (stat.pid === root) add(stat);
  return tree;
}

/** Seconds of processor time of the tree so far. A child that ends in between is counted once: by then in its parent. */
export function cpuSeconds(root: number, except?: ReadonlySet<number>): number {
  return processTree(root, except).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** Resident memory of the tree in MB (10^6 bytes); pages that its processes share count in each. */
export function residentMb(root: number, except?: ReadonlySet<number>): number {
  let kib = 0;
  for (const { pid } of processTree(root, except)) {
    kib += Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0);
  }
  return (kib * 1024) / 1e6;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}
