/**
 * Pure: what of a transient unit has to be said in another way, because systemd writes its properties into a file, and a daemon-reload (each
 * installation of a package makes one) reads that file. systemd 252 writes some so that they say something else, or nothing, when read.
 */
import type { Property } from '../../systemd/manager.js';

/**
 * A command, as it is. Not `ExecStartEx`, by which nothing would be filled in: it is written under that name, which no file may have, and after a
 * reload the unit has no command, and nobody can start it or tell what it is. In arguments `$` and `;` get a backslash that stays in them, so
 * those with one are put together by a shell.
 */
export function execStart(command: readonly [string, ...string[]]): Property {
  const argv = command.some((one) => /[$;]/.test(one))
    ? (['/bin/sh', '-c', plainScript(`exec ${command.map(quoted).join(' ')}`)] as const)
    : command;
  return ['ExecStart', 'a(sasb)', [[argv[0], argv, false]]];
}

/** The same script for `sh -c`, without the characters that do not stay what they are. */
export function plainScript(script: string): string {
  const octal = (one: string) => `\\0${one.charCodeAt(0).toString(8).padStart(3, '0')}`;
  return `eval "\`printf '%b' '${script.replace(/[$;\\`'"]/g, octal)}'\`"`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const CLONE_NEWUTS = 0x0400_0000n;
/**
 * Of kinds of namespaces, none is written as an empty value, and read as all. The one that is left is that of the host name; to make one takes
 * CAP_SYS_ADMIN, which nobody in these units has or can get without a namespace of users.
 */
export const ALMOST_NO_NAMESPACES: Property = ['RestrictNamespaces', 't', CLONE_NEWUTS];
