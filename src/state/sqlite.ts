import Database from 'better-sqlite3';

/** Everything that SQLite's driver has made in this process; see `openSqlite`. */
const kept: unknown[] = [];

/**
 * Opens a file with better-sqlite3, in a way that the garbage collector never meets what the driver makes.
 *
 * From 24.19 on, Node aborts the process when it collects an object of a native class of the old kind (node::ObjectWrap) while no
 * JavaScript runs, which is any time; better-sqlite3 12, the last version for Node 20, has such classes. So databases and
 * statements live as long as the process: prepare a statement once for each database, not for each use, and do not `iterate`.
 */
export function openSqlite(path: string, options: Database.Options): Database.Database {
  const db = new Database(path, options);
  const prepare = db.prepare.bind(db);
  db.prepare = <Parameters extends unknown[] | object, Row>(sql: string) => {
    const statement = prepare<Parameters, Row>(sql);
    kept.push(statement);
    return statement;
  };
  // The driver's own prepares a statement each time, and drops it.
  db.pragma = (source, { simple = false } = {}) => {
    if (source.includes('=')) return db.exec(`PRAGMA ${source}`);
    const statement = db.prepare(`PRAGMA ${source}`);
    return simple ? statement.pluck().get() : statement.all();
  };
  kept.push(db);
  return db;
}
