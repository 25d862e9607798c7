/** Whether a user can get at a path, told from the modes of the directories on the way (path_resolution(7)). */
import type { Stats } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { dirname, join, parse, resolve } from 'node:path';
import { errnoOf } from '../src/base/errors.js';
import type { Identity } from './contract.js';

/** What is to be done with the last component: run a file, read a file, enter a directory. */
export type Use = 'execute' | 'read' | 'enter';

const BIT: Record<Use, number> = { execute: 1, read: 4, enter: 1 };

/** Whether the mode bits give `identity` `bit` (4 read, 2 write, 1 execute or enter). Supplementary groups are dropped at a start. */
export function allows(stats: Pick<Stats, 'mode' | 'uid' | 'gid'>, identity: Identity, bit: number): boolean {
  if (identity.uid === 0)
    return bit !== 1 || (stats.mode & 0o111) !== 0 || (stats.mode & 0o170000) === 0o040000;
  const shift = stats.uid === identity.uid ? 6 : stats.gid === identity.gid ? 3 : 0;
  return ((stats.mode >> shift) & bit) === bit;
}

/**
 * The sentence that says which directory (or the file itself) stops `identity` on the way to `path`; undefined when nothing does.
 * Symlinks are followed as the kernel does: the directories on the way to their targets count, too.
 */
export async function unreachable(path: string, identity: Identity, use: Use): Promise<string | undefined> {
  const target = resolve(path);
  const who = `user ${identity.uid}`;
  let links = 0;
  let done = parse(target).root;
  let left = target.split('/').filter(Boolean);
  for (;;) {
    const here = await stat(done).catch(errnoOf);
    if (typeof here !== 'object') return `${done} does not exist, which is on the way to ${target}`;
    if (left.length > 0 && !here.isDirectory())
      return `${done} is not a directory, which is on the way to ${target}`;
    if (left.length > 0 && !allows(here, identity, 1)) {
      return `${who} cannot enter ${done} (mode ${octal(here.mode)}), which is on the way to ${target}`;
    }
    const [name, ...rest] = left;
    if (name === undefined) {
      if (allows(here, identity, BIT[use])) return undefined;
      return `${who} cannot ${use} ${done} (mode ${octal(here.mode)})`;
    }
    const next = join(done, name);
    const entry = await lstat(next).catch(errnoOf);
    if (typeof entry !== 'object') return `${next} does not exist`;
    if (!entry.isSymbolicLink()) {
      done = next;
      left = rest;
      continue;
    }
    links += 1;
    if (links > 40) return `${target} leads through too many symlinks`;
    // The link's own directory has just been passed; the walk starts again at the root with what the link says.
    const through = resolve(dirname(next), await readlink(next));
    done = parse(through).root;
    left = [...through.split('/').filter(Boolean), ...rest];
  }
}

function octal(mode: number): string {
  return `0${(mode & 0o7777).toString(8).padStart(3, '0')}`;
}
