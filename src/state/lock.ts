import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { diskTrouble } from '../base/disk-trouble.js';
import { errnoOf, TenementError } from '../base/errors.js';
import { prepareDataDir } from './data-dir.js';
import { openSqlite } from './sqlite.js';

/** Held while a server owns a data directory. */
export interface DataDirLock {
  /** Idempotent. */
  release(): void;
}

/**
 * Makes this process the only server of a data directory: two supervisors would start two processes on one customer's file.
 *
 * The lock is SQLite's exclusive lock on a file of its own, a POSIX record lock (fcntl(2)): it ends with the process, however
 * that dies, so there is no stale lock to clean up, and children do not inherit it. The pid beside it is for the message only.
 * Nothing else in this process may open `.tenement/lock`: closing any descriptor of that file would drop the lock.
 * @throws TenementError data_dir_locked naming the pid; state_unusable
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const own = prepareDataDir(dataDir);
  const lockFile = join(own, 'lock');
  const pidFile = join(own, 'pid');
  const db = open(lockFile);
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (errnoOf(error)?.startsWith('SQLITE_BUSY')) throw locked(dataDir, pidFile);
    throw unusable(lockFile, error);
  }
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      // In this order: after the unlock the file may be another server's.
      rmSync(pidFile, { force: true });
      db.exec('ROLLBACK');
      db.close();
    },
  };
}

function open(lockFile: string): Database.Database {
  try {
    closeSync(openSync(lockFile, 'a', 0o600));
    // A server that ends takes a moment to let go: `systemctl restart` must not fail for it.
    return openSqlite(lockFile, { timeout: 1000 });
  } catch (error) {
    throw unusable(lockFile, error);
  }
}

function unusable(lockFile: string, error: unknown): TenementError {
  if (error instanceof TenementError) return error;
  const trouble = diskTrouble(errnoOf(error));
  const text = trouble?.reason ?? (error instanceof Error ? error.message : String(error));
  return new TenementError('state_unusable', `${lockFile} cannot be locked: ${text}`, {
    hint:
      trouble?.hint ??
      'Only the user that runs the server may use it; on a network file system locks may be missing.',
    cause: error,
  });
}

function locked(dataDir: string, pidFile: string): TenementError {
  const pid = readPid(pidFile);
  const who = pid === undefined ? 'another server' : `another server (pid ${pid})`;
  return new TenementError('data_dir_locked', `The data directory ${dataDir} is used by ${who}`, {
    details: { dataDir, pid },
  });
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
