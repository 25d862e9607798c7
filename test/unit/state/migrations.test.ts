import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { openDatabase } from '../../../src/state/database.js';
import type { Migration } from '../../../src/state/migrations.js';
import { openSqlite } from '../../../src/state/sqlite.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const first: Migration = { title: 'first', sql: "CREATE TABLE a (x); INSERT INTO a VALUES ('old');" };
const second: Migration = { title: 'second', sql: "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = 'new';" };
const broken: Migration = {
  title: 'broken',
  sql: 'ALTER TABLE a ADD COLUMN z; INSERT INTO missing VALUES (1);',
};

test('a migration keeps the rows and leaves a copy of what was before', (t) => {
  const dataDir = freshDir(t);
  openDatabase(dataDir, { readonly: false, migrations: [first] }).close();
  t.false(existsSync(join(dataDir, '.tenement', 'state.db.v1')), 'nothing to copy at the first step');
  const db = openDatabase(dataDir, { readonly: false, migrations: [first, second] });
  t.deepEqual(db.prepare('SELECT * FROM a').all(), [{ x: 'old', y: 'new' }]);
  db.close();
  const copy = openSqlite(join(dataDir, '.tenement', 'state.db.v1'), { readonly: true });
  t.deepEqual(copy.prepare('SELECT * FROM a').all(), [{ x: 'old' }]);
  copy.close();
});

test('a migration that fails leaves the database as it was', (t) => {
  const dataDir = freshDir(t);
  openDatabase(dataDir, { readonly: false, migrations: [first] }).close();
  t.throws(() => openDatabase(dataDir, { readonly: false, migrations: [first, broken] }));
  const db = openDatabase(dataDir, { readonly: false, migrations: [first] });
  t.deepEqual(db.prepare('SELECT * FROM a').all(), [{ x: 'old' }]);
  db.close();
});

test('what only adds lets an older program go on, with what it wrote kept for the newer one', (t) => {
  const added: Migration = {
    title: 'added',
    sql: 'ALTER TABLE a ADD COLUMN z INTEGER NOT NULL DEFAULT 7;',
    additive: true,
  };
  const open = (...migrations: Migration[]) => openDatabase(dataDir, { readonly: false, migrations });
  const dataDir = freshDir(t);
  open(first, added).close();
  const older = open(first);
  older.prepare('INSERT INTO a (x) VALUES (?)').run('by the older one');
  older.close();
  const newer = open(first, added);
  t.deepEqual(newer.prepare('SELECT x, z FROM a').all(), [
    { x: 'old', z: 7 },
    { x: 'by the older one', z: 7 },
  ]);
  newer.close();
  open(first, added, second).close();
  t.throws(() => open(first, added), { message: /newer version/ });
  open(first, added, second, { ...added, sql: 'CREATE TABLE b (x)' }).close();
  t.throws(() => open(first, added), { message: /newer version/ }, 'whatever else was only added later');
  open(first, added, second).close();
});

test('refuses the database of a newer program, of another program and, for reading, of an older one', (t) => {
  const dataDir = freshDir(t);
  openDatabase(dataDir, { readonly: false, migrations: [first, second] }).close();
  const newer = t.throws(() => openDatabase(dataDir, { readonly: false, migrations: [first] }), {
    instanceOf: TenementError,
  });
  t.is(newer?.code, 'state_unusable');
  t.regex(newer?.message ?? '', /newer version/);
  t.throws(() => openDatabase(dataDir, { readonly: true, migrations: [first, second, second] }), {
    message: /older version/,
  });

  const other = freshDir(t);
  openDatabase(other, { readonly: false, migrations: [] }).close();
  const foreign = openSqlite(join(other, '.tenement', 'state.db'), {});
  foreign.exec('CREATE TABLE theirs (x)');
  foreign.close();
  t.throws(() => openDatabase(other, { readonly: false, migrations: [first] }), {
    message: /another program/,
  });
});
