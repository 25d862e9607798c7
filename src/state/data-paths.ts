import type Database from 'better-sqlite3';
import type { InstanceKey } from '../base/names.js';
import type { DataPathRow, Registry } from './types.js';

interface Stored {
  path: string;
  kind: DataPathRow['kind'];
  uid: number | null;
  counted: string | null;
}

/**
 * Where instances have, or once had, their data. The config says only where they have it now: what it said before a reload is still on
 * the disk, belongs to somebody, and must go with its instance before anyone else gets that uid.
 */
export function createDataPaths(
  db: Database.Database,
): Pick<Registry, 'dataPaths' | 'recordDataPath' | 'markCounted' | 'forgetDataPath' | 'dataPathOwners'> {
  const select = db.prepare<[string, string], Stored>(
    'SELECT path, kind, uid, counted FROM data_paths WHERE service = ? AND id = ? ORDER BY path',
  );
  const insert = db.prepare(
    `INSERT INTO data_paths (service, id, path, kind) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET kind = excluded.kind`,
  );
  // A path has one owner, however many instances share it.
  const setOwner = db.prepare('UPDATE data_paths SET uid = ? WHERE path = ?');
  const setCounted = db.prepare('UPDATE data_paths SET counted = ? WHERE path = ?');
  // '0' is the character after '/': a range that an index can answer, and no pattern in which a name could be a wildcard.
  const forget = db.prepare(
    "DELETE FROM data_paths WHERE path = @path OR (path >= @path || '/' AND path < @path || '0')",
  );
  const owners = db.prepare<{ path: string; above: string }, InstanceKey>(
    `SELECT DISTINCT service, id FROM data_paths JOIN instances USING (service, id)
     WHERE kind <> 'trash' AND (path = @path OR (path >= @path || '/' AND path < @path || '0')
       OR path IN (SELECT value FROM json_each(@above)))
     ORDER BY service, id`,
  );
  return {
    dataPaths: (key) =>
      select.all(key.service, key.id).map(({ uid, counted, ...row }) => ({
        ...row,
        uid: uid ?? undefined,
        counted: counted ?? undefined,
      })),
    recordDataPath(key, { path, kind }, uid) {
      insert.run(key.service, key.id, path, kind);
      if (uid !== undefined) setOwner.run(uid, path);
    },
    markCounted: (path, counted) => void setCounted.run(counted ?? null, path),
    forgetDataPath: (path) => void forget.run({ path }),
    dataPathOwners: (path) => owners.all({ path, above: JSON.stringify(above(path)) }),
  };
}

/** The directories that a path lies in: of `a/b/c`, `a` and `a/b`. */
function above(path: string): string[] {
  const segments = path.split('/');
  return segments.slice(1).map((_, i) => segments.slice(0, i + 1).join('/'));
}
