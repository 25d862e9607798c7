import { randomBytes } from 'node:crypto';
import { closeSync, fchownSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TenementError } from './errors.js';

/** Where the CLI finds its token when none is given. */
export function tokenFile(dataDir: string): string {
  return join(dataDir, 'api_token');
}

/**
 * Writes the admin token to `{dataDir}/api_token`, readable by the directory's owner alone. A reader finds the old token or the
 * new one, never half of it, and a link that someone put in its place is replaced and not followed.
 * @returns the file's path
 * @throws TenementError state_unusable
 */
export function saveTokenFile(dataDir: string, token: string): string {
  const path = tokenFile(dataDir);
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(fd, `${token}\n`);
      // Written by root for a server that runs as another user: it must be able to read it.
      const owner = statSync(dataDir);
      if (process.geteuid?.() === 0 && owner.uid !== 0) fchownSync(fd, owner.uid, owner.gid);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    return path;
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new TenementError('state_unusable', `The token cannot be saved to ${path}`, { cause });
  }
}
