/** Gives a tree from one user to another without ever following a link out of it. */
import type { Stats } from 'node:fs';
import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from '../../isolation/index.js';

interface Entry {
  readonly path: string;
  readonly stats: Stats;
}

/**
 * Makes `identity` the owner of the directory `dir`; when it had another owner or was last `prepared` for another uid, also of everything
 * below that was that owner's. Links are given, never what they point to. Only for root, and only while nothing of the instance runs.
 *
 * The owner of the directory alone does not tell: an app that ran as root for a while leaves files of root in a directory that is still
 * its own user's.
 *
 * Attack: a hard link in the tree to a file of the old owner elsewhere (root's, if the app once ran as root). So a file with more names
 * than are found in the tree is left as it is; such files are returned.
 */
export async function changeOwner(
  dir: string,
  identity: Identity,
  prepared: number | undefined,
): Promise<string[]> {
  const top = await lstat(dir);
  if (top.uid === identity.uid && (prepared === undefined || prepared === identity.uid)) {
    if (top.gid !== identity.gid) await lchown(dir, identity.uid, identity.gid);
    return [];
  }
  const self = process.geteuid?.() ?? 0;
  const old = new Set(top.uid === self ? [self, top.gid] : [top.uid]);
  if (prepared !== undefined) old.add(prepared);
  old.delete(identity.uid);
  // While we work nobody but us gets in, so nothing below can be exchanged between a look and a chown. The old owner is kept as the
  // group, which has no rights there: if we are interrupted, the next start knows whose files to look for.
  await chmod(dir, 0o700);
  if (top.uid !== self) await lchown(dir, self, top.uid);
  const names = await countNames(dir, old);
  const skipped: string[] = [];
  for await (const { path, stats } of walk(dir)) {
    if (!old.has(stats.uid)) continue;
    if (!stats.isDirectory() && stats.nlink > (names.get(inode(stats)) ?? 1)) skipped.push(path);
    else await lchown(path, identity.uid, identity.gid);
  }
  // Last: until it is done, the top has the wrong owner and the work begins again.
  await lchown(dir, identity.uid, identity.gid);
  return skipped;
}

/** How many names each file with several has in the tree. */
async function countNames(dir: string, owners: ReadonlySet<number>): Promise<Map<string, number>> {
  const names = new Map<string, number>();
  for await (const { stats } of walk(dir)) {
    if (stats.isDirectory() || stats.nlink < 2 || !owners.has(stats.uid)) continue;
    names.set(inode(stats), (names.get(inode(stats)) ?? 0) + 1);
  }
  return names;
}

async function* walk(dir: string): AsyncGenerator<Entry> {
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    const stats = await lstat(path);
    yield { path, stats };
    if (stats.isDirectory()) yield* walk(path);
  }
}

function inode(stats: Stats): string {
  return `${stats.dev}:${stats.ino}`;
}
