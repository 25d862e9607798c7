/** The data directories of instances on the disk: created, given to their user, moved to the trash, deleted. */
import type { Stats } from 'node:fs';
import { chmod, lchown, lstat, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Identity } from '../../isolation/index.js';
import { errnoOf, TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { withCompanions } from '../config/data-paths.js';
import { prepareDataDir } from '../state/data-dir.js';
import { changeOwner } from './ownership.js';
import { removeTree } from './remove-tree.js';

/** Enter, but not list: a tenant must not see who else is there. */
const SHARED = 0o711;
const PRIVATE = 0o700;

/**
 * Creates the data root (0711) and its `.tenement` (0700, ours alone). Idempotent.
 *
 * Attack: another user's directory, prepared before root's server comes. Its owner could exchange whatever root creates in it: the token
 * file, the state, the directories of instances. So root uses nobody else's.
 * @throws TenementError config_unsafe, state_unusable
 */
export async function prepareDataRoot(dataDir: string): Promise<void> {
  if (process.geteuid?.() === 0) {
    for (const path of [dataDir, join(dataDir, '.tenement')]) await refuseOthers(path);
  }
  prepareDataDir(dataDir);
}

async function refuseOthers(path: string): Promise<void> {
  // The link as well as what it leads to: whoever owns the link can turn it elsewhere.
  for (const look of [lstat, stat]) {
    const uid = await look(path).then((stats) => stats.uid, ignoreMissing);
    if (uid === undefined || uid === 0) continue;
    throw new TenementError(
      'config_unsafe',
      `${path} belongs to user ${uid}, who could exchange what root keeps in it`,
      {
        hint: `Give it to root (chown -h root ${path}), run the server as user ${uid}, or choose another \`data_dir\`.`,
      },
    );
  }
}

function ignoreMissing(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error;
}

/** A path that an instance owns. */
interface OwnedPath {
  readonly kind: 'directory' | 'file';
  /** Absolute, below the data root. */
  readonly path: string;
  /** The uid it was last prepared for; undefined: not known. */
  readonly owner: number | undefined;
}

/**
 * Creates an instance's directories (0700) and what is missing above them and above its files (0711), and gives them to `identity` or,
 * when that is undefined, back to the server's own user: of directories that were prepared for another user, everything in them that
 * was that user's. Call only while nothing of the instance runs. Returns files that were left as they are, because more names than
 * those in the directory lead to them.
 * @throws TenementError `conflict` when a symlink, a file or a foreign directory is where a directory of ours should be.
 */
export async function prepareInstance(
  paths: readonly OwnedPath[],
  dataDir: string,
  identity: Identity | undefined,
): Promise<string[]> {
  const skipped: string[] = [];
  for (const { kind, path, owner } of paths) {
    const user = identity ?? takenBack(owner);
    await prepareParents(path, dataDir, user);
    if (kind === 'file') {
      if (user !== undefined) await giveFile(path, user);
      continue;
    }
    await createDirectory(path, PRIVATE);
    await chmod(path, PRIVATE);
    if (user !== undefined) skipped.push(...(await changeOwner(path, user, owner)));
  }
  return skipped;
}

/** The server's own user, when root has to take back what it has given to another one. */
function takenBack(owner: number | undefined): Identity | undefined {
  if (process.geteuid?.() !== 0 || owner === undefined || owner === 0) return undefined;
  return { uid: 0, gid: process.getegid?.() ?? 0 };
}

/** Only what is there: an app creates its files itself. What has several names may be somebody else's by another one. */
async function giveFile(path: string, { uid, gid }: Identity): Promise<void> {
  for (const file of withCompanions({ kind: 'file', path })) {
    const stats = await statOf(file);
    if (stats?.isFile() && stats.nlink === 1 && stats.uid !== uid) await lchown(file, uid, gid);
  }
}

/** Whether an earlier instance has left anything there. */
export async function hasData(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    const stats = await statOf(path);
    if (stats === undefined) continue;
    if (!stats.isDirectory() || (await readdir(path)).length > 0) return true;
  }
  return false;
}

/**
 * Moves what is there to `{dataDir}/.tenement/trash/DATE-SERVICE-ID[-N]/`, each under its path relative to the data root.
 * Returns that directory, or undefined when there was nothing to move. `now` is in milliseconds since the epoch.
 */
export async function trash(
  paths: readonly string[],
  dataDir: string,
  key: InstanceKey,
  now: number,
): Promise<string | undefined> {
  const found = await present(paths, dataDir);
  if (found.length === 0) return undefined;
  const place = await newPlace(join(dataDir, '.tenement', 'trash'), key, now);
  for (const path of found) {
    const target = join(place, below(path, dataDir).join(sep));
    await mkdir(dirname(target), { recursive: true, mode: PRIVATE });
    await move(path, target);
  }
  return place;
}

/** Attack: an app that may not even enter its own directory any more, from a server of the same user: it could not be moved away. */
async function move(path: string, target: string): Promise<void> {
  try {
    await rename(path, target);
  } catch (error) {
    if (errnoOf(error) !== 'EACCES' || (await statOf(path))?.isDirectory() !== true) throw error;
    await chmod(path, PRIVATE);
    await rename(path, target);
  }
}

/** Deletes directories with everything in them, and files; symlinks are deleted, not followed. Returns what was there. */
export async function purge(paths: readonly string[], dataDir: string): Promise<string[]> {
  const found = await present(paths, dataDir);
  for (const path of found) await removeTree(path);
  return found;
}

async function present(paths: readonly string[], dataDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    await checkPath(dirname(path), dataDir);
    if ((await statOf(path)) !== undefined) found.push(path);
  }
  return found;
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
