/** Giving back the memory of what is frozen: the kernel moves it to swap, from where it is read again when it is used. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../src/base/errors.js';

/** Bytes asked for at once. What is thawed meanwhile loses no more than this. */
const STEP = 4 * 2 ** 20;
/** The kernel says EAGAIN when it got less than it was asked for: it may get more in the next attempt, or never. */
const MOST_REFUSALS = 3;

/** One at a time: each takes a thread of the few that read files for all. */
let last: Promise<void> = Promise.resolve();

/**
 * Never rejects. `directory` is a cgroup v2 group; without the memory controller, memory.reclaim (Linux 5.19) or free swap nothing is done: what
 * could be given back then are cached files, which the kernel takes by itself. Ends when `thawed` aborts.
 * (Version 1 has memory.force_empty. It is not used: it tries, until interrupted, to empty the group altogether.)
 */
export function reclaim(directory: string, thawed: AbortSignal, swaps = '/proc/swaps'): Promise<void> {
  last = last.then(() => giveBack(directory, thawed, swaps)).catch(() => undefined);
  return last;
}

async function giveBack(directory: string, thawed: AbortSignal, swaps: string): Promise<void> {
  if (thawed.aborted || !hasFreeSwap(await readFile(swaps, 'utf8'))) return;
  const size = Number(await readFile(join(directory, 'memory.current'), 'utf8'));
  let refusals = 0;
  for (let asked = 0; asked < size && refusals < MOST_REFUSALS && !thawed.aborted; asked += STEP) {
    try {
      // r+: on kernels without it, no such file is made.
      await writeFile(join(directory, 'memory.reclaim'), String(Math.min(STEP, size - asked)), {
        flag: 'r+',
      });
      refusals = 0;
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error;
      refusals += 1;
    }
  }
}

/** proc(5): file name, type, size and used in KiB, priority. */
export function hasFreeSwap(table: string): boolean {
  return table
    .split('\n')
    .slice(1)
    .some((line) => {
      const [, , size, used] = line.trim().split(/\s+/);
      return size !== undefined && Number(size) > Number(used);
    });
}
