/** Makes the controllers of cgroup v2 available to the groups of instances. Done by a server that needs them, never by looking. */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { controllersBelow, SUPERVISOR_GROUP } from './cgroup-root.js';
import { Pauses } from './poll.js';

/**
 * `memory` and `io` first: they are refused to a group with processes of its own, whereas `cpu` and `pids` turn such a group into the root of
 * a threaded subtree, and then no process can join the groups below it any more (cgroup-v2.rst, "Threads").
 */
const WANTED = ['memory', 'io', 'cpu', 'pids'];
const ATTEMPTS = 8;

/** Controllers that groups below `root`/tenement have afterwards. Never rejects: what cannot be enabled is not in the list. */
export async function enableControllers(root: string): Promise<string[]> {
  const offered = await words(join(root, 'cgroup.controllers'));
  const wanted = WANTED.filter((name) => offered.includes(name));
  if (wanted.length === 0) return [];
  const pauses = new Pauses();
  // What is forked while we move its parent stays behind, so more than one look may be needed.
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await moveAside(root)) await enable(root, wanted);
    const given = await words(join(root, 'cgroup.subtree_control'));
    if (wanted.every((name) => given.includes(name))) break;
    await pauses.wait();
  }
  await mkdir(join(root, 'tenement'), { recursive: true }).catch(() => undefined);
  await enable(join(root, 'tenement'), wanted);
  const given = await words(join(root, 'tenement', 'cgroup.subtree_control'));
  const below = await controllersBelow(root);
  return below.filter((name) => given.includes(name));
}

/** One by one, so that one that cannot be had does not cost the others. */
async function enable(group: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await writeFile(join(group, 'cgroup.subtree_control'), `+${name}`).catch(() => undefined);
  }
}

/**
 * A group that gives controllers to groups below it may have no processes of its own (the kernel's "no internal processes" rule). Whether it
 * has none now.
 */
async function moveAside(root: string): Promise<boolean> {
  // The hierarchy's own root, which alone has no type, is exempt from that.
  const exempt = await access(join(root, 'cgroup.type')).then(
    () => false,
    () => true,
  );
  if (exempt) return true;
  const procs = join(root, 'cgroup.procs');
  const pids = await words(procs);
  if (pids.length === 0) return true;
  const aside = join(root, SUPERVISOR_GROUP);
  await mkdir(aside, { recursive: true }).catch(() => undefined);
  for (const pid of pids) await writeFile(join(aside, 'cgroup.procs'), pid).catch(() => undefined);
  return (await words(procs)).length === 0;
}

async function words(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().split(/\s+/).filter(Boolean);
}
