/** Finds a cgroup v2 directory in which we may make groups, and proves it by making one. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { type Mount, parseMounts } from '../src/base/mount-info.js';

/**
 * Our own cgroup's directory below the cgroup2 mount (also the `unified` one of hybrid machines), or undefined.
 * `mountinfo` is /proc/self/mountinfo, `cgroups` is /proc/self/cgroup.
 */
export function ownGroupDirectory(mountinfo: string, cgroups: string): string | undefined {
  const own = /^0::(\/.*)$/m.exec(cgroups)?.[1];
  // A path with ".." is outside the cgroup namespace: it cannot be reached through this mount.
  if (own === undefined || own.split('/').includes('..')) return undefined;
  for (const mount of parseMounts(mountinfo)) {
    if (mount.type !== 'cgroup2') continue;
    const directory = directoryIn(mount, own);
    if (directory !== undefined) return directory;
  }
  return undefined;
}

/** Where the group `path` of a hierarchy is below a mount of it; undefined when the mount does not show it. */
export function directoryIn({ root, point }: Mount, path: string): string | undefined {
  if (root === '/') return join(point, path).replace(/(.)\/$/, '$1');
  return path === root || path.startsWith(`${root}/`)
    ? join(point, path.slice(root.length)).replace(/(.)\/$/, '$1')
    : undefined;
}

/**
 * The directory under which `tenement/GROUP` can be made and joined, or undefined. Read-only mounts, missing delegation and
 * containers all show only when tried: so a group is made, a throw-away process joins it, and the group is removed.
 */
export async function findCgroupRoot(): Promise<string | undefined> {
  try {
    const own = ownGroupDirectory(
      await readFile('/proc/self/mountinfo', 'utf8'),
      await readFile('/proc/self/cgroup', 'utf8'),
    );
    if (own === undefined) return undefined;
    // An earlier server of the same session may have moved us aside.
    const root = basename(own) === SUPERVISOR_GROUP ? dirname(own) : own;
    const trial = join(root, 'tenement', `probe-${process.pid}-${randomUUID()}`);
    await mkdir(trial, { recursive: true });
    try {
      await execa('/bin/sh', ['-c', 'echo 0 > "$1"', 'sh', join(trial, 'cgroup.procs')], { timeout: 5_000 });
      return root;
    } finally {
      await rmdir(trial).catch(() => undefined);
    }
  } catch {
    return undefined;
  }
}

/** Where the processes go that were in the root before (controllers.ts). */
export const SUPERVISOR_GROUP = 'supervisor';

/** Controllers that groups below `root`/tenement can use. */
export async function controllersBelow(root: string): Promise<string[]> {
  const text = await readFile(join(root, 'tenement', 'cgroup.controllers'), 'utf8').catch(() => '');
  return text.trim().split(/\s+/).filter(Boolean);
}
