import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { diskTrouble } from '../base/disk-trouble.js';
import { errnoOf, TenementError } from '../base/errors.js';
import { prepareDataDir } from './data-dir.js';
import { checkVersion, MIGRATIONS, type Migration, migrate } from './migrations.js';
import { openSqlite } from './sqlite.js';

/** How long a statement waits for another process (the CLI beside the server) before it fails. The wait blocks the thread. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens `{dataDir}/.tenement/state.db`, creating and migrating it unless `readonly`. Several processes may have it open.
 *
 * WAL with synchronous = NORMAL: a crash of the process loses nothing, a power cut may lose the last transactions but never
 * damages the file. What must survive a power cut too is written by `durably`.
 * @throws TenementError state_unusable: damaged, of a newer version, of another program, not ours to write. Nothing is overwritten then.
 */
export function openDatabase(
  dataDir: string,
  options: { readonly: boolean; migrations?: readonly Migration[] },
): Database.Database {
  const migrations = options.migrations ?? MIGRATIONS;
  const path = join(dataDir, '.tenement', 'state.db');
  let db: Database.Database | undefined;
  try {
    if (options.readonly) {
      if (!existsSync(path)) throw noState(dataDir);
    } else {
      prepareDataDir(dataDir);
      createPrivate(path);
    }
    db = openSqlite(path, { readonly: options.readonly, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    prepare(db, options.readonly, migrations);
    return db;
  } catch (error) {
    db?.close();
    throw readable(path, error);
  }
}

function prepare(db: Database.Database, readonly: boolean, migrations: readonly Migration[]): void {
  db.pragma('foreign_keys = ON');
  if (readonly) {
    if (checkVersion(db, migrations) < migrations.length) {
      throw new TenementError('state_unusable', `${db.name} was written by an older version of tenement`, {
        hint: 'Start the server once with this version: it brings the file up to date.',
      });
    }
    return;
  }
  // Before anything is written: a damaged file must stay as it is, so that it can be repaired.
  const verdict = db.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') throw damaged(db.name, String(verdict));
  checkVersion(db, migrations);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  migrate(db, migrations, (version) => backUp(db, version));
}

/** A consistent copy beside the database, `state.db.v1` for format 1, so that a migration can be undone by hand. */
function backUp(db: Database.Database, version: number): void {
  const copy = `${db.name}.v${version}`;
  // Two processes may be here at once: each writes a file of its own, the rename is atomic.
  const temporary = `${copy}.${process.pid}`;
  rmSync(temporary, { force: true });
  createPrivate(temporary);
  db.prepare('VACUUM INTO ?').run(temporary);
  renameSync(temporary, copy);
}

/** Runs a transaction whose effect survives a power cut: a uid once given, a token once revoked. */
export function durably<T>(db: Database.Database, action: () => T): T {
  db.pragma('synchronous = FULL');
  try {
    return db.transaction(action).immediate();
  } finally {
    db.pragma('synchronous = NORMAL');
  }
}

/** SQLite would create the file with the umask's mode; its -wal and -shm take the mode of the file. */
function createPrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}

function readable(path: string, error: unknown): TenementError {
  if (error instanceof TenementError) return error;
  const code = errnoOf(error) ?? '';
  const text = error instanceof Error ? error.message : String(error);
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return damaged(path, text, error);
  const trouble = diskTrouble(code);
  return new TenementError('state_unusable', `${path} cannot be opened: ${trouble?.reason ?? text}`, {
    hint:
      trouble?.hint ??
      'Check the owner and the space left on the disk; only the user that runs the server may use it.',
    cause: error,
  });
}

function damaged(path: string, reason: string, cause?: unknown): TenementError {
  return new TenementError('state_unusable', `${path} is damaged: ${reason}`, {
    hint: `Nothing was changed. Put back a copy from a backup, or try \`sqlite3 ${path} .recover\`.`,
    cause,
  });
}

function noState(dataDir: string): TenementError {
  return new TenementError('state_unusable', `There is no state in ${dataDir} yet`, {
    hint: 'Start the server once with `ten serve`, or name its directory with --data-dir.',
  });
}
