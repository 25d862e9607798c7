/** The data directories of instances on the disk: created, given to their user, moved to the trash, deleted. */
import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Identity } from '../../isolation/index.js';
import { errnoOf, TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { changeOwner } from './ownership.js';

/** Enter, but not list: a tenant must not see who else is there. */
const SHARED = 0o711;
const PRIVATE = 0o700;

/** Creates the data root (0711) and its `.tenement` (0700, ours alone). Idempotent. */
export async function prepareDataRoot(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, SHARED);
  const own = join(dataDir, '.tenement');
  await createDirectory(own, PRIVATE);
  await chmod(own, PRIVATE);
}

/**
 * Creates an instance's directories (0700) and what is missing above them (0711), and gives them to the instance's user; when they
 * belonged to another user before, everything in them that was that user's. Call only while nothing of the instance runs.
 * `dirs` are absolute and below `dataDir`. Returns files that were left as they are, because more names than those in the directory
 * lead to them.
 * @throws TenementError `conflict` when a symlink, a file or a foreign directory is where a directory of ours should be.
 */
export async function prepareInstance(
  dirs: readonly string[],
  dataDir: string,
  identity: Identity | undefined,
): Promise<string[]> {
  const skipped: string[] = [];
  for (const dir of dirs) {
    await prepareParents(dir, dataDir, identity);
    await createDirectory(dir, PRIVATE);
    await chmod(dir, PRIVATE);
    if (identity !== undefined) skipped.push(...(await changeOwner(dir, identity)));
  }
  return skipped;
}

/** Whether an earlier instance has left anything there. */
export async function hasData(dirs: readonly string[]): Promise<boolean> {
  for (const dir of dirs) {
    const stats = await statOf(dir);
    if (stats === undefined) continue;
    if (!stats.isDirectory() || (await readdir(dir)).length > 0) return true;
  }
  return false;
}

/**
 * Moves the directories to `{dataDir}/.tenement/trash/DATE-SERVICE-ID[-N]/`, each under its path relative to the data root.
 * Returns that directory, or undefined when there was nothing to move. `now` is in milliseconds since the epoch.
 */
export async function trash(
  dirs: readonly string[],
  dataDir: string,
  key: InstanceKey,
  now: number,
): Promise<string | undefined> {
  const present: string[] = [];
  for (const dir of dirs) {
    await checkPath(dirname(dir), dataDir);
    if ((await statOf(dir)) !== undefined) present.push(dir);
  }
  if (present.length === 0) return undefined;
  const place = await newPlace(join(dataDir, '.tenement', 'trash'), key, now);
  for (const dir of present) {
    const target = join(place, below(dir, dataDir).join(sep));
    await mkdir(dirname(target), { recursive: true, mode: PRIVATE });
    await rename(dir, target);
  }
  return place;
}

/** Deletes the directories with everything in them; symlinks are deleted, not followed. */
export async function purge(dirs: readonly string[], dataDir: string): Promise<void> {
  for (const dir of dirs) {
    await checkPath(dirname(dir), dataDir);
    await rm(dir, { recursive: true, force: true });
  }
}

async function newPlace(trashRoot: string, key: InstanceKey, now: number): Promise<string> {
  await mkdir(trashRoot, { recursive: true, mode: PRIVATE });
  const date = new Date(now).toISOString().slice(0, 10);
  const name = `${date}-${key.service}-${key.id}`;
  for (let n = 1; ; n += 1) {
    const place = join(trashRoot, n === 1 ? name : `${name}-${n}`);
    try {
      await mkdir(place, { mode: PRIVATE });
      return place;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw new Error(`trash of ${formatKey(key)}`, { cause: error });
    }
  }
}

async function prepareParents(dir: string, dataDir: string, identity: Identity | undefined): Promise<void> {
  for (const path of components(dirname(dir), dataDir)) await createDirectory(path, SHARED);
  await checkPath(dirname(dir), dataDir);
  if (identity !== undefined) await checkOwners(dirname(dir), dataDir);
}

/**
 * Attack: a tenant puts a symlink where one of our directories should be, and root gives the link's target (the token file) to it, or
 * moves or deletes it. So each component below the data root has to be a real directory.
 */
async function checkPath(dir: string, dataDir: string): Promise<void> {
  for (const path of components(dir, dataDir)) {
    const stats = await statOf(path);
    if (stats !== undefined && !stats.isDirectory()) throw notADirectory(path, stats);
  }
}

/** The same attack a moment later: only we may be able to exchange what has just been checked. */
async function checkOwners(dir: string, dataDir: string): Promise<void> {
  const self = process.geteuid?.();
  for (const path of [dataDir, ...components(dir, dataDir)]) {
    const stats = await lstat(path);
    if (stats.uid === self) {
      await chmod(path, SHARED);
    } else if (stats.uid !== 0) {
      throw new TenementError(
        'conflict',
        `${path} belongs to user ${stats.uid}, who could exchange what is in it while user ${self} gives directories to instances`,
        { hint: `Give it to the server's user: chown ${self} ${path}` },
      );
    }
  }
}

async function createDirectory(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
    // mkdir's mode is cut by the umask.
    await chmod(path, mode);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const stats = await statOf(path);
    if (stats !== undefined && !stats.isDirectory()) throw notADirectory(path, stats);
  }
}

function notADirectory(path: string, stats: Stats): TenementError {
  const what = stats.isSymbolicLink() ? 'a symlink' : 'not a directory';
  return new TenementError('conflict', `${path} is ${what}, where a directory of tenement's should be`, {
    hint: 'Look at who made it, and remove it. Symlinks below the data directory are never followed.',
  });
}

/** Each directory from below `dataDir` down to `dir`. */
function components(dir: string, dataDir: string): string[] {
  const names = below(dir, dataDir);
  return names.map((_, i) => join(dataDir, ...names.slice(0, i + 1)));
}

/** The names that lead from `dataDir` to `dir`; empty for `dataDir` itself. */
function below(dir: string, dataDir: string): string[] {
  const path = relative(dataDir, dir);
  if (path === '..' || path.startsWith(`..${sep}`) || path.startsWith(sep)) {
    throw new TenementError('conflict', `${dir} is not below the data directory ${dataDir}`);
  }
  return path.split(sep).filter(Boolean);
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
