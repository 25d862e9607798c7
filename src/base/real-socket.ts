import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';

type Target = { readonly host: string; readonly port: number } | { readonly path: string };

/** open(2). Node has no name for it. */
const O_PATH = 0o10000000;

/**
 * Calls `connect` with what leads to an instance's socket and to nothing else, or returns why it must not be connected to. `connect` has to call
 * connect(2) before it returns, as net.Socket does for paths.
 *
 * Attack: an app replaces its own socket by a link to another one, the server's control socket or a database's, and whoever connects with the
 * server's rights is led there. A second name for a socket (a hard link) is the same. An app can also go on exchanging the two, so that it is a
 * socket when it is looked at and a link when it is connected to: on Linux it is opened first, and what was opened is looked at and connected to.
 */
export function connectReal(address: Target, connect: (target: Target) => void): Error | undefined {
  if (!('path' in address)) {
    connect(address);
    return undefined;
  }
  return process.platform === 'linux' ? connectOpened(address, connect) : connectSeen(address, connect);
}

function connectOpened({ path }: { path: string }, connect: (target: Target) => void): Error | undefined {
  let fd: number;
  try {
    fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    // As of connect(2): there is none (yet).
    return error as Error;
  }
  try {
    if (!isOwn(fstatSync(fd))) return notOwn(path);
    connect({ path: `/proc/self/fd/${fd}` });
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function connectSeen(address: { path: string }, connect: (target: Target) => void): Error | undefined {
  const stats = lstatSync(address.path, { throwIfNoEntry: false });
  if (stats !== undefined && !isOwn(stats)) return notOwn(address.path);
  connect(address);
  return undefined;
}

const isOwn = (stats: Stats): boolean => stats.isSocket() && stats.nlink === 1;
const notOwn = (path: string): Error => new Error(`${path} is not a socket of the instance's own`);
