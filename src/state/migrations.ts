import type Database from 'better-sqlite3';
import { TenementError } from '../base/errors.js';

/** One step of the schema. Steps are never edited once released: a change is a new step at the end. */
export interface Migration {
  readonly title: string;
  readonly sql: string;
  /** Programs that do not know it go on with the database after it: it only adds what has a default. So that one can go back to an older program. */
  readonly additive?: true;
}

/** `user_version` of the database is the number of steps that it has taken. */
export const MIGRATIONS: readonly Migration[] = [
  {
    title: 'instances, runs, uids, events, tokens, audit',
    sql: `
      CREATE TABLE instances (
        service TEXT NOT NULL, id TEXT NOT NULL,
        want TEXT NOT NULL CHECK (want IN ('up', 'on-demand', 'down', 'disabled')),
        weight INTEGER NOT NULL CHECK (weight BETWEEN 0 AND 100),
        env TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (service, id)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE runs (
        service TEXT NOT NULL, id TEXT NOT NULL,
        trace TEXT, ref TEXT,
        PRIMARY KEY (service, id),
        FOREIGN KEY (service, id) REFERENCES instances ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;

      -- No foreign key: a uid outlives its instance, because files that belong to it may.
      -- Once released, service and id are NULL and the row stays: it says that the uid was given before.
      CREATE TABLE uids (
        uid INTEGER PRIMARY KEY,
        service TEXT, id TEXT,
        released_at INTEGER,
        UNIQUE (service, id)
      ) STRICT;

      CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        service TEXT NOT NULL, id TEXT NOT NULL,
        at INTEGER NOT NULL,
        from_state TEXT NOT NULL, to_state TEXT NOT NULL,
        cause TEXT NOT NULL
      ) STRICT;
      CREATE INDEX events_by_instance ON events (service, id, seq);

      CREATE TABLE tokens (
        prefix TEXT PRIMARY KEY,
        hash BLOB NOT NULL,
        scope TEXT NOT NULL CHECK (scope IN ('admin', 'tenant', 'create')),
        tenant TEXT,
        description TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER,
        CHECK ((scope = 'tenant') = (tenant IS NOT NULL))
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE audit (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'failed')),
        detail TEXT NOT NULL
      ) STRICT;
      CREATE INDEX audit_by_target ON audit (target, seq);
    `,
  },
  {
    title: 'where instances have their data',
    sql: `
      -- No foreign key: data outlives its instance in the trash, or where others share it.
      -- path is relative to the data directory, which may be moved; uid is whom it was last prepared for.
      CREATE TABLE data_paths (
        service TEXT NOT NULL, id TEXT NOT NULL,
        path TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('directory', 'file', 'trash')),
        uid INTEGER,
        PRIMARY KEY (service, id, path)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX data_paths_by_path ON data_paths (path);
    `,
  },
  {
    title: 'which directories the kernel counts, and holds under a disk quota',
    sql: 'ALTER TABLE data_paths ADD COLUMN counted TEXT;',
  },
  {
    title: 'holds outlast being disabled',
    sql: 'ALTER TABLE instances ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1));',
  },
  {
    // Of what is up already nobody knows why: it goes on being started, as before.
    title: 'who is up only because [instances] lists it',
    sql: 'ALTER TABLE instances ADD COLUMN listed INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1));',
    additive: true,
  },
  {
    title: 'which settings each instance was last started with',
    sql: `
      -- Digests, not the settings: some are secrets. run: NULL where they are of the next run, whichever it is.
      CREATE TABLE started_with (
        service TEXT NOT NULL, id TEXT NOT NULL,
        run TEXT,
        digests TEXT NOT NULL,
        PRIMARY KEY (service, id),
        FOREIGN KEY (service, id) REFERENCES instances ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
    `,
    additive: true,
  },
];

/** The fewest steps that a program must know to work with the database. */
const FORMAT = `CREATE TABLE IF NOT EXISTS format (
  row INTEGER PRIMARY KEY CHECK (row = 1), understood_from INTEGER NOT NULL
) STRICT`;

/**
 * Brings the database up to `migrations`, each step in a transaction of its own. Safe when several processes do it at once.
 * `backup` is called before the first step when the database already holds something.
 * @throws TenementError state_unusable for a database of a newer program, or of another program.
 */
export function migrate(
  db: Database.Database,
  migrations: readonly Migration[],
  backup: (version: number) => void,
): void {
  const before = checkVersion(db, migrations);
  if (before > 0 && before < migrations.length) backup(before);
  for (let step = before; step < migrations.length; step += 1) {
    db.transaction(() => {
      // Another process may have taken this step while we waited for the write lock.
      if (userVersion(db) !== step) return;
      db.exec(FORMAT);
      const { sql = '', additive = false } = migrations[step] ?? {};
      db.exec(sql);
      db.prepare('INSERT OR IGNORE INTO format VALUES (1, ?)').run(step);
      if (!additive) db.prepare('UPDATE format SET understood_from = ?').run(step + 1);
      db.pragma(`user_version = ${step + 1}`);
    }).immediate();
  }
}

/** The version of the database, which may be newer than the program where that does no harm. @throws TenementError state_unusable as `migrate`. */
export function checkVersion(db: Database.Database, migrations: readonly Migration[]): number {
  // One read transaction: between two separate reads another process may create the whole schema.
  return db.transaction(() => {
    const version = userVersion(db);
    if (version > migrations.length && understoodFrom(db, version) > migrations.length) {
      throw new TenementError(
        'state_unusable',
        `${db.name} was written by a newer version of tenement (format ${version}, this program knows up to ${migrations.length})`,
        { hint: 'Install the newer version again, or put back the copy made before its migration.' },
      );
    }
    if (version === 0 && db.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() !== undefined) {
      throw new TenementError('state_unusable', `${db.name} is a database of another program`, {
        hint: 'Choose another `data_dir`, or move that file away.',
      });
    }
    return version;
  })();
}

function understoodFrom(db: Database.Database, version: number): number {
  const known = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'format'").get() !== undefined;
  const row = known ? db.prepare('SELECT understood_from FROM format').pluck().get() : undefined;
  return typeof row === 'number' ? row : version;
}

function userVersion(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}
