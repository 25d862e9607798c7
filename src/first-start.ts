import { chmodSync, lstatSync, type Stats } from 'node:fs';
import { errnoOf } from './base/errors.js';
import { createLog, type Log } from './base/log.js';
import { saveTokenFile, tokenFile } from './base/token-file.js';
import type { Tokens } from './state/types.js';

/**
 * The first server on a data directory makes an admin token, so that the CLI and scripts work at once. One that is there is made readable
 * by its owner alone: a copy or an editor may have opened it to all.
 */
export function ensureAdminToken(dataDir: string, tokens: Tokens, now: number, log: Log = createLog()): void {
  const path = tokenFile(dataDir);
  const stats = statsOf(path);
  if (stats !== undefined) {
    guard(path, stats, log);
    return;
  }
  const { token } = tokens.create({ kind: 'admin' }, 'made at the first start', now);
  saveTokenFile(dataDir, token);
}

function guard(path: string, stats: Stats, log: Log): void {
  if (!stats.isFile() || (stats.mode & 0o077) === 0) return;
  const found = `${path} could be read by others (mode ${(stats.mode & 0o777).toString(8)})`;
  const remedy = 'if others use this machine, revoke its token with `ten token revoke` and make a new one';
  if (stats.uid !== process.geteuid?.()) {
    log.warn(`${found} and belongs to user ${stats.uid}: make it 0600; ${remedy}`);
    return;
  }
  chmodSync(path, 0o600);
  log.warn(`${found} and is 0600 now; ${remedy}`);
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
