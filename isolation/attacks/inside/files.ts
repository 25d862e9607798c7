import { readdirSync, rmSync, statfsSync } from 'node:fs';
import { attempt, first, type Result, readable, type Targets, writable } from './attempt.js';

/** As root-plan.ts gives them, and some room. */
const MOST_BYTES = 1 << 30;

export function fileAttacks(targets: Targets): Record<string, Result> {
  return {
    'sibling-read': first(targets.siblingFiles, readable),
    'sibling-write': first(targets.siblingDirectories, plant),
    // The way to its own directory is no news to it.
    'data-root-list': first(targets.dataRoots, (dir) =>
      attempt(() => readdirSync(dir).find((name) => !targets.ownPath.split('/').includes(name))),
    ),
    'server-secrets': first(targets.secrets, readable),
    'shared-tmp': readable(targets.tmpMarker),
    'shared-memory': readable(targets.shmMarker),
    'system-write': first(['/usr', '/etc', '/', '/usr/bin', ...targets.readOnly], plant),
    // Looked at, not filled: a fresh file system with a size of its own.
    'fill-tmp': first(['/tmp', '/dev/shm'], (dir) =>
      attempt(() => {
        const { blocks, bsize } = statfsSync(dir);
        return blocks * bsize > MOST_BYTES && typeof plant(dir) === 'string'
          ? `${dir} is the machine's own`
          : false;
      }),
    ),
  };
}

function plant(directory: string): Result {
  const path = `${directory}/planted-${process.pid}`;
  const result = writable(path);
  if (typeof result === 'string') rmSync(path, { force: true });
  return result;
}
