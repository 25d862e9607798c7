import { stat } from 'node:fs/promises';
import { execa } from 'execa';
import type { Log } from '../base/log.js';

const BLOCK = 4096;

/**
 * Gives the blocks of read bytes back to the file system while the app goes on appending (fallocate(2), FALLOC_FL_PUNCH_HOLE).
 * The file's size and all offsets stay, so nothing can be lost to a race with the writer; copying and truncating can.
 * Where it does not work (macOS, some network and older file systems, a busybox `fallocate`) `works` becomes false.
 */
export class HolePunch {
  works = true;

  constructor(private readonly log: Log) {}

  /** Frees the whole blocks in [from, to); returns up to where. Never throws. */
  async punch(path: string, from: number, to: number): Promise<number> {
    const start = Math.floor(from / BLOCK) * BLOCK;
    const end = Math.floor(to / BLOCK) * BLOCK;
    if (!this.works || end <= start) return from;
    const args = ['--punch-hole', '--offset', String(start), '--length', String(end - start), path];
    const result = await execa('fallocate', args, { reject: false, timeout: 10_000, stdin: 'ignore' });
    if (!result.failed) return end;
    // Removed meanwhile: nothing to free, and no reason to give the method up.
    if (!result.timedOut && (await exists(path))) {
      this.works = false;
      this.log.warn(
        { reason: result.stderr || result.shortMessage },
        'read log bytes cannot be freed in place here; log files are emptied when all of them was read, a line written in that moment is lost',
      );
    }
    return from;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
