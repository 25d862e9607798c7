/** Makes the controllers of cgroup v2 available to the groups of instances. Done by a server that needs them, never by looking. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { controllersBelow, SUPERVISOR_GROUP } from './cgroup-root.js';

const WANTED = ['memory', 'cpu', 'pids', 'io'];

/** Controllers that groups below `root`/tenement have afterwards. Never rejects: what cannot be enabled is not in the list. */
export async function enableControllers(root: string): Promise<string[]> {
  const offered = (await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => '')).split(/\s+/);
  const wanted = WANTED.filter((name) => offered.includes(name));
  if (wanted.length === 0) return [];
  if (!(await enable(root, wanted))) {
    // A group that gives controllers to groups below it may have no processes of its own (the kernel's "no internal processes" rule).
    await moveAside(root);
    await enable(root, wanted);
  }
  await mkdir(join(root, 'tenement'), { recursive: true }).catch(() => undefined);
  await enable(join(root, 'tenement'), wanted);
  const given = await readFile(join(root, 'tenement', 'cgroup.subtree_control'), 'utf8').catch(() => '');
  const below = await controllersBelow(root);
  return below.filter((name) => given.split(/\s+/).includes(name));
}

/** One by one, so that one that cannot be had does not cost the others. */
async function enable(group: string, names: readonly string[]): Promise<boolean> {
  const results = await Promise.all(
    names.map((name) =>
      writeFile(join(group, 'cgroup.subtree_control'), `+${name}`).then(
        () => true,
        () => false,
      ),
    ),
  );
  return results.every(Boolean);
}

async function moveAside(root: string): Promise<void> {
  const aside = join(root, SUPERVISOR_GROUP);
  await mkdir(aside, { recursive: true }).catch(() => undefined);
  const pids = (await readFile(join(root, 'cgroup.procs'), 'utf8').catch(() => ''))
    .split('\n')
    .filter(Boolean);
  for (const pid of pids) await writeFile(join(aside, 'cgroup.procs'), pid).catch(() => undefined);
}
