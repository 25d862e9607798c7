/**
 * Pure: the root directory of an isolated instance, as a shell script that builds it on a fresh tmpfs in a mount namespace of its own.
 *
 * An allow-list, not masks over the machine's root: what is not named does not exist in it (siblings' data, the state database, tokens).
 * Few programs are started: every one costs about as much as all mounts together, so one mount(8) call makes all mounts.
 */

import { dirname } from 'node:path';

/** One mount; `target` is a path of the new root. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  /** `none` for a bind mount. */
  readonly type: string;
  readonly options: readonly string[];
}

export interface RootPlan {
  /** In this order; parents before what is in them. */
  readonly mounts: readonly Mount[];
  /** Places of files. */
  readonly directories: readonly string[];
  /** Symlinks of the machine that are copied to the same place. */
  readonly links: readonly string[];
  /** Files with their contents; empty ones are places for mounts. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly hostname: string | undefined;
  /** Whether the new root's own tmpfs has to be read-only, because the instance would own it. */
  readonly seal: boolean;
}

/**
 * Where the new root is put together: a directory that every Linux has and from which nothing is mounted into it. Only this mount
 * namespace sees it.
 */
export const NEW_ROOT = '/sys';
/** Read by mount(8), then covered by a mount. */
const TABLE = `${NEW_ROOT}/dev/ptmx`;
export const OLD_ROOT = 'tmp';

/** Fresh file systems are small: the root holds a few empty files, the others count as the instance's memory. */
export const ROOT_SIZE = 'size=1m,nr_inodes=10k';

/** Ends in the new root, in its root directory, with nothing of the machine's own root left. */
export function rootScript(plan: RootPlan): string {
  const inside = (path: string): string => quote(`${NEW_ROOT}${path}`);
  // What links are copied into is made with them; most other places are made by mount(8).
  const directories = plan.directories.filter((path) => !plan.links.some((link) => dirname(link) === path));
  return [
    `mount -n -t tmpfs -o ${ROOT_SIZE},mode=755,nosuid,nodev tenement ${NEW_ROOT}`,
    ...(directories.length === 0 ? [] : [`mkdir -p ${directories.map(inside).join(' ')}`]),
    ...(plan.links.length === 0 ? [] : [`cp -d --parents ${plan.links.map(quote).join(' ')} ${NEW_ROOT}`]),
    ...plan.files.map(({ path, text }) =>
      text === '' ? `: > ${inside(path)}` : `printf '%s' ${quote(text)} > ${inside(path)}`,
    ),
    ...(plan.hostname === undefined
      ? []
      : [
          // In a container /proc/sys can be read only.
          `{ echo ${quote(plan.hostname)} > /proc/sys/kernel/hostname; } 2> /dev/null || hostname ${quote(plan.hostname)}`,
        ]),
    `printf '%s' ${quote(plan.mounts.map(tableLine).join(''))} > ${TABLE}`,
    // -n: what happens in here is not written to the machine's /run/mount/utab.
    `mount -n -a -T ${TABLE}`,
    ...(plan.seal ? [`mount -n -o remount,bind,ro ${NEW_ROOT}`] : []),
    `cd ${NEW_ROOT}`,
    `pivot_root . ${OLD_ROOT}`,
    // Also frees the disks of the machine that would otherwise stay mounted as long as this instance lives.
    `umount -n -l /${OLD_ROOT}`,
  ]
    .map((line) => `${line} || exit 1\n`)
    .join('');
}

/** A line of fstab(5). */
export function tableLine({ source, target, type, options }: Mount): string {
  return `${escaped(source)} ${escaped(`${NEW_ROOT}${target}`)} ${type} ${options.map(escaped).join(',')} 0 0\n`;
}

/** fstab(5): blanks and backslashes are written in octal, and a # would begin a comment. */
function escaped(text: string): string {
  return text.replace(/[ \t\n\\#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
