/** Holding all processes of a run where they are, without their knowledge, and letting them go on. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ref } from './contract.js';
import { Pauses } from './poll.js';
import type { Tree } from './tree.js';

export interface Freezer {
  /** Resolves when nothing of the run runs any more. */
  freeze(): Promise<void>;
  /** Idempotent, also for what was never frozen or does not live. */
  thaw(): Promise<void>;
}

/** A process in an uninterruptible wait is frozen when that ends. */
const PATIENCE_MS = 5_000;

/** By cgroup v2, v1, or SIGSTOP, which a parent can see and another may undo. `mayBeFrozen`: by an earlier server. */
export function freezerOf(ref: Ref, tree: Tree, mayBeFrozen: boolean): Freezer {
  const freezer = strongestFreezer(ref, tree);
  let frozen = mayBeFrozen;
  return {
    freeze() {
      frozen = true;
      return freezer.freeze();
    },
    async thaw() {
      // Costs nothing at a stop of what was never frozen: the time until KILL runs already.
      if (!frozen) return;
      await freezer.thaw();
      frozen = false;
    },
  };
}

function strongestFreezer(ref: Ref, tree: Tree): Freezer {
  const legacy = ref.legacyCgroups?.find((directory) => /(^|[/,])freezer([/,]|$)/.test(directory));
  if (ref.cgroup !== undefined) return unified(ref.cgroup);
  if (legacy !== undefined) return version1(legacy);
  return bySignal(tree);
}

function unified(directory: string): Freezer {
  const file = join(directory, 'cgroup.freeze');
  return {
    async freeze() {
      await writeFile(file, '1');
      await settled(async () => /^frozen 1$/m.test(await readFile(join(directory, 'cgroup.events'), 'utf8')));
    },
    thaw: () => writeFile(file, '0').catch(() => undefined),
  };
}

function version1(directory: string): Freezer {
  const file = join(directory, 'freezer.state');
  return {
    async freeze() {
      await writeFile(file, 'FROZEN');
      await settled(async () => (await readFile(file, 'utf8')).trim() === 'FROZEN');
    },
    thaw: () => writeFile(file, 'THAWED').catch(() => undefined),
  };
}

function bySignal(tree: Tree): Freezer {
  const send = async (signal: 'SIGSTOP' | 'SIGCONT'): Promise<number> => {
    const pids = await tree.members();
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
    return pids.length;
  };
  return {
    async freeze() {
      // What was forked during the first look is found by the next.
      for (
        let before = -1, now = await send('SIGSTOP');
        now !== before;
        before = now, now = await send('SIGSTOP')
      );
    },
    async thaw() {
      await send('SIGCONT');
    },
  };
}

async function settled(check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  const pauses = new Pauses();
  while (!(await check()) && Date.now() < deadline) await pauses.wait();
}
