/** Holding all processes of a run where they are, without their knowledge, and letting them go on. */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../src/base/errors.js';
import type { Ref } from './contract.js';
import { bySignal } from './freeze-signal.js';
import type { Hold } from './hold.js';
import { Pauses } from './poll.js';
import { reclaim } from './reclaim.js';
import type { Tree } from './tree.js';

export interface Freezer {
  /** Resolves when nothing of the run runs any more, or when it is to be thawed again. */
  freeze(): Promise<void>;
  /** Idempotent, also for what was never frozen or does not live; overtakes a freeze under way. */
  thaw(): Promise<void>;
  /** Whether the run was told to hold, in whole or in part: by us or by an earlier server. */
  isFrozen(): Promise<boolean>;
}

/** A process in an uninterruptible wait is frozen when that ends. */
const PATIENCE_MS = 5_000;

/** By cgroup v2, v1, or SIGSTOP, which a parent can see and another may undo. `mayBeFrozen`: by an earlier server. */
export function freezerOf(ref: Ref, tree: Tree, mayBeFrozen: boolean): Freezer {
  const means = strongest(ref, tree, mayBeFrozen);
  let frozen = mayBeFrozen;
  let wanted = new AbortController();
  return {
    async freeze() {
      frozen = true;
      wanted = new AbortController();
      const { signal } = wanted;
      await means.hold(signal);
      if (ref.cgroup !== undefined) void reclaim(ref.cgroup, signal);
    },
    async thaw() {
      // Costs nothing at a stop of what was never frozen: the time until KILL runs already.
      if (!frozen) return;
      wanted.abort();
      await means.release();
      frozen = false;
    },
    isFrozen: () => means.isHeld(),
  };
}

function strongest(ref: Ref, tree: Tree, mayBeFrozen: boolean): Hold {
  const legacy = ref.legacyCgroups?.find((directory) => /(^|[/,])freezer([/,]|$)/.test(directory));
  if (ref.cgroup !== undefined) return unified(ref.cgroup);
  if (legacy !== undefined) return version1(legacy);
  return bySignal(tree, mayBeFrozen);
}

function unified(directory: string): Hold {
  const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
  return {
    async hold(thawed) {
      set(directory, 'cgroup.freeze', '1');
      await settled(thawed, async () => /^frozen 1$/m.test(await read('cgroup.events')));
    },
    release: async () => letGo(directory, 'cgroup.freeze', '0'),
    isHeld: async () => (await read('cgroup.freeze')).trim() === '1',
  };
}

function version1(directory: string): Hold {
  const state = async (): Promise<string> =>
    (await readFile(join(directory, 'freezer.state'), 'utf8')).trim();
  return {
    async hold(thawed) {
      set(directory, 'freezer.state', 'FROZEN');
      await settled(thawed, async () => (await state()) === 'FROZEN');
    },
    release: async () => letGo(directory, 'freezer.state', 'THAWED'),
    // Or FREEZING.
    isHeld: async () => (await state()) !== 'THAWED',
  };
}

/** At once and not in the thread pool: a thaw must not be overtaken by the freeze before it, nor wait behind the reading of disks. */
function set(directory: string, file: string, value: string): void {
  writeFileSync(join(directory, file), value);
}

/** The group goes with the last of its processes. */
function letGo(directory: string, file: string, value: string): void {
  try {
    set(directory, file, value);
  } catch (error) {
    if (!['ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')) throw error;
  }
}

async function settled(thawed: AbortSignal, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  const pauses = new Pauses();
  while (!thawed.aborted && !(await check()) && performance.now() < deadline) await pauses.wait();
}
