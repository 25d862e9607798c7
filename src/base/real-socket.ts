import { lstatSync } from 'node:fs';

type Target = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Why an instance's address must not be connected to, or undefined when it may. A path that does not exist (yet) may: connecting says so.
 *
 * Attack: an app replaces its own socket by a link to another one, the server's control socket or a database's, and whoever connects with the
 * server's rights is led there. A second name for a socket (a hard link) is the same.
 */
export function falseSocket(address: Target): Error | undefined {
  if (!('path' in address)) return undefined;
  const stats = lstatSync(address.path, { throwIfNoEntry: false });
  if (stats === undefined || (stats.isSocket() && stats.nlink === 1)) return undefined;
  return new Error(`${address.path} is not a socket of the instance's own`);
}
