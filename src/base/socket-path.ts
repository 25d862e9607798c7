import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { TenementError } from './errors.js';

/** sun_path has 108 bytes on Linux (unix(7)) and 104 on macOS, one of them for the NUL; longer paths get cut off silently. */
export const LONGEST_SOCKET_PATH = process.platform === 'darwin' ? 103 : 107;

/**
 * Where the server's control socket for `dataDir` is: `{dataDir}/.tenement/ten.sock`, or, when that is too long for a socket's
 * address, `ten.sock` in a directory below /run or /tmp that is named by a hash of the data directory.
 *
 * Server and CLI must come to the same path whoever runs them, so it depends on the data directory and its owner alone, and
 * not on TMPDIR or on the caller.
 */
export function controlSocketPath(dataDir: string): string {
  const absolute = resolve(dataDir);
  const usual = join(absolute, '.tenement', 'ten.sock');
  if (Buffer.byteLength(usual) <= LONGEST_SOCKET_PATH) return usual;
  const hash = createHash('sha256').update(absolute).digest('hex').slice(0, 32);
  const base = process.platform === 'linux' && ownerOf(absolute) === 0 ? '/run' : '/tmp';
  return join(base, `tenement-${hash}`, 'ten.sock');
}

/**
 * For the server, before it listens: makes the directory of `controlSocketPath(dataDir)` (0700) and refuses one that is not
 * its own.
 * @throws TenementError listen_failed
 */
export function prepareSocketDirectory(dataDir: string): void {
  const directory = dirname(controlSocketPath(dataDir));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (isPrivate(directory, dataDir)) return;
  } catch (cause) {
    throw new TenementError(
      'listen_failed',
      `The directory ${directory} for the control socket cannot be made`,
      {
        hint: 'Choose a `data_dir` with a shorter path.',
        cause,
      },
    );
  }
  throw new TenementError('listen_failed', `${directory} for the control socket is not only ours`, {
    hint: 'Remove it, or choose a `data_dir` with a shorter path.',
  });
}

/**
 * For the server, after it has closed its sockets: removes their directory where it was made for them alone, so that /run and
 * /tmp do not fill with one for each data directory that was ever served. Never throws.
 */
export function removeSocketDirectory(dataDir: string): void {
  const directory = dirname(controlSocketPath(dataDir));
  if (directory === join(resolve(dataDir), '.tenement')) return;
  try {
    // Not one that somebody else has put there since.
    if (isPrivate(directory, dataDir)) rmSync(directory, { recursive: true });
  } catch {
    // It is gone already, or stays: an empty directory in the way of nobody.
  }
}

/**
 * Whether the socket's directory belongs to the data directory's owner (or to root) and to nobody else. In /tmp anybody can make
 * a directory with the name that we would use and listen there: the server's commands would then go to a stranger.
 */
export function socketDirectoryIsSafe(dataDir: string): boolean {
  try {
    return isPrivate(dirname(controlSocketPath(dataDir)), dataDir);
  } catch {
    return false;
  }
}

function isPrivate(directory: string, dataDir: string): boolean {
  const stat = lstatSync(directory);
  const owners = [0, process.getuid?.(), ownerOf(dataDir)];
  return stat.isDirectory() && (stat.mode & 0o022) === 0 && owners.includes(stat.uid);
}

function ownerOf(dataDir: string): number | undefined {
  try {
    return statSync(dataDir).uid;
  } catch {
    return undefined;
  }
}
