/** What a unit needs on the disk while it runs: an empty directory to become its root, and its environment. On tmpfs, closed to everybody else. */
import { createHash } from 'node:crypto';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SystemView } from '../system-view.js';

export interface Place {
  readonly directory: string;
  readonly root: string;
  readonly environment: string;
  /** What was made of it, where it stays when the run ends. */
  readonly plan: string;
}

const PLACES = '/run/tenement';

/** One for each unit, as there is one run of a unit at a time. Not under its name: systemd takes a backslash in a path as quoting. */
export function placeOf(unit: string): Place {
  const directory = join(PLACES, createHash('sha256').update(unit).digest('hex').slice(0, 24));
  return {
    directory,
    root: join(directory, 'root'),
    environment: join(directory, 'env'),
    plan: join(directory, 'plan'),
  };
}

/** `files`: contents of files that it has for itself. Places of mounts are made by systemd. */
export async function makePlace(
  place: Place,
  environment: string,
  system: Pick<SystemView, 'links' | 'targets'>,
  files: readonly { readonly path: string; readonly text: string }[],
): Promise<void> {
  await removePlace(place);
  await mkdir(PLACES, { recursive: true, mode: 0o700 });
  await mkdir(place.directory, { mode: 0o700 });
  await mkdir(place.root, { mode: 0o755 });
  // systemd would make it for root alone, and an app may lie in there.
  await mkdir(join(place.root, 'root'), { mode: 0o755 });
  await writeFile(place.environment, environment, { mode: 0o600 });
  for (const path of system.links) {
    const target = system.targets.get(path);
    // Those of /dev are systemd's.
    if (target === undefined || path.startsWith('/dev/')) continue;
    await mkdir(dirname(place.root + path), { recursive: true, mode: 0o755 });
    await symlink(target, place.root + path);
  }
  for (const { path, text } of files) {
    await mkdir(dirname(place.root + path), { recursive: true, mode: 0o755 });
    await writeFile(place.root + path, text, { mode: 0o644 });
  }
}

/** Idempotent. */
export async function removePlace({ directory }: Place): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}
