/** From what a spec wants to be visible to mounts: looked up on the disk, as symlinks and files have to be told from directories. */
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TenementError } from '../src/base/errors.js';
import { isWithin } from './interpreter.js';

export type Access = 'read' | 'write' | 'hide';

/** A path that is shown (or hidden), and what is there. */
export interface View {
  readonly path: string;
  readonly access: Access;
  readonly kind: 'directory' | 'file';
}

export interface Wanted {
  readonly path: string;
  readonly access: Access;
  /** What asked for it, for the error when it does not exist; undefined: then it is left out. */
  readonly because: string | undefined;
  /** Named by a person, who has to learn when it cannot be shown. */
  readonly named?: boolean;
}

/** Never visible as a whole, whoever asks for it: they hold the machine's own, or have a private counterpart. */
const NEVER = [
  '/',
  '/proc',
  '/sys',
  '/dev',
  '/tmp',
  '/run',
  '/var/run',
  '/var/tmp',
  '/usr',
  '/etc',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
];

/**
 * Parents before what is in them. A path that leads through symlinks is shown where it really is, and also under its own name unless that
 * already works through a directory that is visible.
 * @throws TenementError `start_failed` when something that was asked for does not exist, or was named and is never shown
 */
export async function viewsOf(wanted: readonly Wanted[]): Promise<View[]> {
  const found: View[] = [];
  for (const { path, access, because, named } of wanted) {
    const real = await realpath(path).catch(() => undefined);
    const stats = real === undefined ? undefined : await stat(real).catch(() => undefined);
    if (real === undefined || stats === undefined) {
      if (because === undefined) continue;
      throw new TenementError('start_failed', `${path}, which is ${because}, does not exist`);
    }
    if (named === true && NEVER.includes(real) && (access === 'write' || !isVisible(real, []))) {
      throw new TenementError(
        'start_failed',
        `${path}, which is ${because ?? 'wanted'}, is never shown as a whole: it holds the machine's own, or an instance has a private one`,
        { hint: 'Name the directories in it that the app needs.' },
      );
    }
    const kind = stats.isDirectory() ? 'directory' : 'file';
    if (access === 'hide' || !NEVER.includes(real)) found.push({ path: real, access, kind });
    if (path !== real && access !== 'hide' && !NEVER.includes(path)) found.push({ path, access, kind });
  }
  return arrange([...found, ...(await underOtherNames(found))]);
}

/**
 * Attack: what is to be hidden lies in a directory that is shown under a second name as well (a symlink `current` to a release, a bind mount): there it
 * would be seen. Directories are the same when device and inode are. What is writable is so under the other name, too.
 */
async function underOtherNames(views: readonly View[]): Promise<View[]> {
  const known = new Map<string, Promise<string | undefined>>();
  const identity = (path: string): Promise<string | undefined> => {
    const found = known.get(path) ?? identityOf(path);
    known.set(path, found);
    return found;
  };
  const shown = views.filter(({ access, kind }) => access !== 'hide' && kind === 'directory');
  const others: View[] = [];
  for (const view of views.filter(({ access }) => access !== 'read')) {
    for (const above of ancestors(view.path)) {
      const same = await identity(above);
      for (const { path } of shown) {
        if (path === above || same === undefined || (await identity(path)) !== same) continue;
        others.push({ ...view, path: `${path}${view.path.slice(above === '/' ? 0 : above.length)}` });
      }
    }
  }
  return others;
}

/** `path` itself first. */
function ancestors(path: string): string[] {
  const above = [path];
  for (let at = path; at !== dirname(at); at = dirname(at)) above.push(dirname(at));
  return above;
}

function identityOf(path: string): Promise<string | undefined> {
  return stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  );
}

/** Pure: sorted, without repetitions (over the same path hiding wins, then the widest access), and without what is there already. */
export function arrange(views: readonly View[]): View[] {
  const strength: Record<Access, number> = { read: 0, write: 1, hide: 2 };
  const byPath = new Map<string, View>();
  for (const view of views) {
    const other = byPath.get(view.path);
    if (other === undefined || strength[view.access] > strength[other.access]) byPath.set(view.path, view);
  }
  const sorted = [...byPath.values()].sort(
    (a, b) => depth(a.path) - depth(b.path) || (a.path < b.path ? -1 : 1),
  );
  const kept: View[] = [];
  for (const view of sorted) {
    const around = kept.filter((other) => isWithin(view.path, other.path)).at(-1);
    // Hiding what is not visible would make its existence known.
    if (view.access === 'hide' && (around === undefined || around.access === 'hide')) continue;
    if (around?.access === view.access && view.access !== 'hide') continue;
    kept.push(view);
  }
  return kept;
}

function depth(path: string): number {
  return path.split('/').filter(Boolean).length;
}

/** Whether a program at `path` can be seen. */
export function isVisible(path: string, views: readonly View[]): boolean {
  const system = ['/usr', '/bin', '/sbin', '/lib', '/lib64'];
  if (system.some((directory) => isWithin(path, directory))) return true;
  const around = views.filter((view) => isWithin(path, view.path)).at(-1);
  return around !== undefined && around.access !== 'hide';
}
