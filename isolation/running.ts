/** What a running process was given, read from /proc (proc(5)): for a second one that is to be given the same. Linux only. */
import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isEnvironmentName } from './argv.js';
import { ownGroupDirectory } from './cgroup-root.js';
import type { NamespaceKind } from './enter.js';
import { legacyDirectories } from './legacy-cgroups.js';
import { readStat } from './proc.js';

/** Nothing of it is to be trusted with more rights than the process itself has: it may have written over its own environment. */
export interface Running {
  readonly pid: number;
  /** As in Ref. */
  readonly startTime: string;
  readonly uid: number;
  readonly gid: number;
  readonly env: Readonly<Record<string, string>>;
  /** In its own root. */
  readonly directory: string;
  /** Namespaces that are not ours. */
  readonly namespaces: readonly NamespaceKind[];
  /** cgroup.procs of the groups that it is in and we are not. */
  readonly groups: readonly string[];
  /** Whether a filter of system calls is in force. */
  readonly filtered: boolean;
  /** Octal, as umask(1) takes it. */
  readonly umask: string;
  /** Soft and hard, in the units of ulimit in a POSIX shell; `n` open files, `c` core, `f` file size. */
  readonly limits: readonly {
    readonly option: 'n' | 'c' | 'f';
    readonly soft: string;
    readonly hard: string;
  }[];
}

const KINDS: readonly NamespaceKind[] = ['user', 'cgroup', 'ipc', 'uts', 'net', 'pid', 'mnt'];

/**
 * Undefined when it does not live.
 * @throws the error of the file system when we may not look at it
 */
export async function lookAt(pid: number): Promise<Running | undefined> {
  const before = readStat(pid);
  if (before === undefined || before.state === 'Z') return undefined;
  const of = (file: string): string => `/proc/${pid}/${file}`;
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  try {
    const [status, limits, cgroups, ownCgroups, mountinfo, directory, env, namespaces] = await Promise.all([
      read(of('status')),
      read(of('limits')),
      read(of('cgroup')),
      read('/proc/self/cgroup'),
      read('/proc/self/mountinfo'),
      readlink(of('cwd')),
      environmentOf(pid, before.ppid),
      foreignNamespaces(pid),
    ]);
    if (readStat(pid)?.startTime !== before.startTime) return undefined;
    return {
      pid,
      startTime: before.startTime,
      ...parseStatus(status),
      env,
      directory,
      namespaces,
      groups: groupsToJoin(mountinfo, cgroups, ownCgroups),
      limits: parseLimits(limits),
    };
  } catch (error) {
    if (readStat(pid)?.startTime !== before.startTime) return undefined;
    throw error;
  }
}

async function foreignNamespaces(pid: number): Promise<NamespaceKind[]> {
  const differs = await Promise.all(
    KINDS.map(async (kind) => {
      const own = await readlink(`/proc/self/ns/${kind}`);
      return own !== (await readlink(`/proc/${pid}/ns/${kind}`));
    }),
  );
  return KINDS.filter((_, i) => differs[i]);
}

/** A program that shows what it does in `ps` may have done so over its environment; then that with which it was wrapped is looked at: its parent's, or, behind a guard, that one's. */
async function environmentOf(pid: number, parent: number): Promise<Record<string, string>> {
  const own = parseEnvironment(await readFile(`/proc/${pid}/environ`, 'utf8'));
  if (own.TENEMENT_INSTANCE !== undefined) return own;
  for (const around of [parent, readStat(parent)?.ppid ?? 0]) {
    const wrapped = parseEnvironment(await readFile(`/proc/${around}/environ`, 'utf8').catch(() => ''));
    const carried = Object.entries(wrapped).filter(([name]) => name.startsWith('TENEMENT_ENV_'));
    if (carried.length > 0) return parseEnvironment(carried.map(([, text]) => text).join('\0'));
  }
  return {};
}

/** Pure: NAME=value with NUL bytes between them; what is not of that form is left out. */
export function parseEnvironment(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\0')
      .map((entry): [string, string] => [
        entry.slice(0, Math.max(0, entry.indexOf('='))),
        entry.slice(entry.indexOf('=') + 1),
      ])
      .filter(([name]) => isEnvironmentName(name)),
  );
}

/** Pure: /proc/PID/status. */
export function parseStatus(text: string): Pick<Running, 'uid' | 'gid' | 'filtered' | 'umask'> {
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(text)?.[1] ?? '';
  return {
    uid: Number(field('Uid')),
    gid: Number(field('Gid')),
    filtered: field('Seccomp') === '2',
    umask: field('Umask') || '0022',
  };
}

const LIMITS = [
  ['n', 'Max open files', 1],
  ['c', 'Max core file size', 512],
  ['f', 'Max file size', 512],
] as const;

/** Pure: /proc/PID/limits. */
export function parseLimits(text: string): Running['limits'] {
  return LIMITS.flatMap(([option, name, unit]) => {
    const [, soft, hard] = new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(text) ?? [];
    if (soft === undefined || hard === undefined) return [];
    const inUnits = (value: string): string =>
      value === 'unlimited' ? value : String(Math.floor(Number(value) / unit));
    return [{ option, soft: inUnits(soft), hard: inUnits(hard) }];
  });
}

/** Pure: by /proc/self/mountinfo, and the /proc/PID/cgroup of the process and of ourselves. */
export function groupsToJoin(mountinfo: string, its: string, ours: string): string[] {
  const directories = (cgroups: string): string[] => {
    const unified = ownGroupDirectory(mountinfo, cgroups);
    return [
      ...(unified === undefined ? [] : [unified]),
      ...new Set(Object.values(legacyDirectories(mountinfo, cgroups))),
    ];
  };
  const already = directories(ours);
  return directories(its)
    .filter((directory) => !already.includes(directory))
    .map((directory) => join(directory, 'cgroup.procs'));
}
