import Database from 'better-sqlite3';
import { errnoOf, TenementError } from '../base/errors.js';
import { packageRoot } from '../base/package-root.js';

/** Everything that SQLite's driver has made in this process; see `openSqlite`. */
const kept: unknown[] = [];

/**
 * Opens a file with better-sqlite3, in a way that the garbage collector never meets what the driver makes.
 *
 * From 24.19 on, Node aborts the process when it collects an object of a native class of the old kind (node::ObjectWrap) while no
 * JavaScript runs, which is any time; better-sqlite3 12, the last version for Node 20, has such classes. So databases and
 * statements live as long as the process: prepare a statement once for each database, not for each use, and do not `iterate`.
 * @throws TenementError state_unusable when the driver is not built for this Node; what SQLite throws
 */
export function openSqlite(path: string, options: Database.Options): Database.Database {
  const db = open(path, options);
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

function open(path: string, options: Database.Options): Database.Database {
  try {
    return new Database(path, options);
  } catch (error) {
    throw notBuilt(error) ?? error;
  }
}

/** The usual end of a new Node from the system's packages: native modules are built for one major version. */
export function notBuilt(error: unknown): TenementError | undefined {
  const message = error instanceof Error ? error.message : '';
  const missing = message.startsWith('Could not locate the bindings file');
  if (!missing && errnoOf(error) !== 'ERR_DLOPEN_FAILED') return undefined;
  const what = missing ? 'has not been built' : 'was built for another version';
  return new TenementError(
    'state_unusable',
    `The SQLite driver of ${packageRoot} ${what}, and this is Node ${process.versions.node}`,
    { hint: `Build it for this Node: cd ${packageRoot} && npm rebuild better-sqlite3`, cause: error },
  );
}
