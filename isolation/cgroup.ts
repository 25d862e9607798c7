/** Mechanics of one cgroup v2 group (the kernel's admin-guide/cgroup-v2.rst). They work without any controller. */
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../src/base/errors.js';
import type { Host } from './contract.js';
import { Pauses } from './poll.js';

/** Where the group named `group` is, or undefined on a machine without a usable cgroup v2. */
export function groupPath(host: Host, group: string): string | undefined {
  return host.cgroupRoot === undefined ? undefined : join(host.cgroupRoot, 'tenement', group);
}

/** Idempotent. */
export async function createGroup(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
}

/** Pids in the group and the groups below it; zombies are not listed. Empty when there is no such group. */
export async function groupProcesses(directory: string): Promise<number[]> {
  const own = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
  const below = await Promise.all((await subgroups(directory)).map(groupProcesses));
  return [...own.split('\n').filter(Boolean).map(Number), ...below.flat()];
}

/** Whether anything lives in the group or below. False when there is no such group. */
export async function isPopulated(directory: string): Promise<boolean> {
  const events = await readFile(join(directory, 'cgroup.events'), 'utf8').catch(() => '');
  return /^populated 1$/m.test(events);
}

/** Whether the kernel killed something of the group for want of memory. */
export async function wasOomKilled(directories: readonly string[]): Promise<boolean> {
  // The second is of version 1.
  const files = directories.flatMap((directory) =>
    ['memory.events', 'memory.oom_control'].map((file) => join(directory, file)),
  );
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.some((text) => /^oom_kill [1-9]/m.test(text));
}

/** Removes the group and those below it, once nothing lives in them. One that is still busy is left for the next start to reuse. */
export async function removeGroup(directory: string): Promise<void> {
  for (const below of await subgroups(directory)) await removeGroup(below);
  const pauses = new Pauses();
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const code = await rmdir(directory).then(() => undefined, errnoOf);
    if (code !== 'EBUSY') return;
    await pauses.wait();
  }
}

/** One KILL to everything in the group and below. */
export async function killGroup(directory: string): Promise<void> {
  try {
    await writeFile(join(directory, 'cgroup.kill'), '1');
  } catch {
    await freezeAndKill(directory);
  }
}

/** For kernels before 5.14, which have no cgroup.kill: what is frozen cannot fork away between our look and our signal. */
export async function freezeAndKill(directory: string): Promise<void> {
  const freeze = join(directory, 'cgroup.freeze');
  await writeFile(freeze, '1').catch(() => undefined);
  for (const pid of await groupProcesses(directory)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  await writeFile(freeze, '0').catch(() => undefined);
}

async function subgroups(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
}
