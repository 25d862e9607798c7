import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { diskTrouble } from '../base/disk-trouble.js';
import { errnoOf, TenementError } from '../base/errors.js';

/**
 * Creates the data directory (0711) and `.tenement` in it (0700) where they are missing, and puts their modes right.
 * Returns the path of `.tenement`.
 *
 * 0711: instances that run as users of their own must pass through to their directories, but must not list those of others.
 * @throws TenementError state_unusable
 */
export function prepareDataDir(dataDir: string): string {
  const own = join(dataDir, '.tenement');
  try {
    mkdirSync(dataDir, { recursive: true });
    makeMode(dataDir, 0o711);
    mkdirSync(own, { recursive: true, mode: 0o700 });
    // A symbolic link here would make us write, as root, wherever whoever made it likes.
    const stat = lstatSync(own);
    if (!stat.isDirectory()) {
      throw new TenementError('state_unusable', `${own} is not a directory`, {
        hint: 'Move it away; tenement creates that directory itself.',
      });
    }
    makeMode(own, 0o700);
  } catch (error) {
    throw unusable(dataDir, error);
  }
  return own;
}

/** chmod only where it changes something: another user who may write there (a group, root's CLI) may still not chmod. */
function makeMode(path: string, mode: number): void {
  if ((lstatSync(path).mode & 0o777) !== mode) chmodSync(path, mode);
}

function unusable(dataDir: string, error: unknown): TenementError {
  if (error instanceof TenementError) return error;
  const reasons: Record<string, string> = {
    EACCES: 'this user may not write there',
    EPERM: 'it belongs to another user',
    ENOTDIR: 'a part of the path is not a directory',
    EEXIST: 'it is not a directory',
  };
  const errno = errnoOf(error);
  const trouble = diskTrouble(errno);
  const reason = trouble?.reason ?? (errno === undefined ? undefined : reasons[errno]) ?? String(error);
  return new TenementError('state_unusable', `The data directory ${dataDir} cannot be used: ${reason}`, {
    hint: trouble?.hint ?? "Run it as the directory's owner, or choose another `data_dir`.",
    cause: error,
  });
}
