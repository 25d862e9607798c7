/** cgroup v1: its hierarchies, one mount for each controller or a few of them, for machines whose controllers are not on v2. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseMounts } from '../src/base/mount-info.js';
import { directoryIn } from './cgroup-root.js';

export type LegacyController = 'memory' | 'cpu' | 'pids' | 'freezer';

const WANTED: readonly LegacyController[] = ['memory', 'cpu', 'pids', 'freezer'];

/** Pure: our own group's directory in each hierarchy. `mountinfo` is /proc/self/mountinfo, `cgroups` is /proc/self/cgroup. */
export function legacyDirectories(
  mountinfo: string,
  cgroups: string,
): Partial<Record<LegacyController, string>> {
  const found: Partial<Record<LegacyController, string>> = {};
  for (const mount of parseMounts(mountinfo)) {
    if (mount.type !== 'cgroup') continue;
    for (const controller of WANTED) {
      const own = ownPath(cgroups, controller);
      if (!mount.options.includes(controller) || own === undefined) continue;
      const directory = directoryIn(mount, own);
      if (directory !== undefined) found[controller] ??= directory;
    }
  }
  return found;
}

function ownPath(cgroups: string, controller: string): string | undefined {
  for (const line of cgroups.split('\n')) {
    const [, names, ...path] = line.split(':');
    if (names?.split(',').includes(controller)) return path.join(':');
  }
  return undefined;
}

/** Those of the directories in which groups can be made; found out by making one. Never rejects. */
export async function findLegacyCgroups(): Promise<Partial<Record<LegacyController, string>>> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const all = legacyDirectories(await read('/proc/self/mountinfo'), await read('/proc/self/cgroup'));
  const usable = await Promise.all(
    Object.entries(all).map(async ([controller, directory]) => {
      const trial = join(directory, 'tenement', `probe-${process.pid}-${randomUUID()}`);
      try {
        await mkdir(trial, { recursive: true });
        await rmdir(trial);
        return [[controller, directory] as const];
      } catch {
        return [];
      }
    }),
  );
  return Object.fromEntries(usable.flat());
}
