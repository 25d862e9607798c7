import test from 'ava';
import { openDatabase } from '../../../src/state/database.js';
import { MIGRATIONS } from '../../../src/state/migrations.js';
import { createRegistry } from '../../../src/state/registry.js';
import { openSqlite } from '../../../src/state/sqlite.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const alice = { service: 'notes', id: 'alice' };
const bob = { service: 'notes', id: 'bob' };

function registry(t: Parameters<typeof freshDir>[0]) {
  const db = openDatabase(freshDir(t), { readonly: false });
  t.teardown(() => db.close());
  return createRegistry(db);
}

test('a path has one owner, however many instances have it, and outlives them', (t) => {
  const r = registry(t);
  r.register(alice, 1);
  for (const key of [alice, bob]) r.recordDataPath(key, { path: 'shared', kind: 'directory' });
  r.recordDataPath(alice, { path: 'shared', kind: 'directory' }, 7);
  r.recordDataPath(bob, { path: 'shared', kind: 'directory' });
  t.deepEqual(r.dataPaths(bob), [{ path: 'shared', kind: 'directory', uid: 7, counted: undefined }]);
  r.forget(alice);
  t.is(r.dataPaths(alice).length, 1);
});

test('what the kernel counts is remembered with the path, whoever has it, and forgotten with it', (t) => {
  const r = registry(t);
  for (const key of [alice, bob]) r.recordDataPath(key, { path: 'shared', kind: 'directory' });
  r.markCounted('shared', '7:1:2');
  r.recordDataPath(bob, { path: 'shared', kind: 'directory' }, 7);
  for (const key of [alice, bob]) t.is(r.dataPaths(key)[0]?.counted, '7:1:2');
  r.markCounted('shared', undefined);
  t.is(r.dataPaths(alice)[0]?.counted, undefined);
});

test('owners: registered ones with the path itself, one in it or one around it', (t) => {
  const r = registry(t);
  r.register(alice, 1);
  r.register(bob, 1);
  r.recordDataPath(alice, { path: 'a/b', kind: 'directory' });
  r.recordDataPath(bob, { path: 'a/b-wal', kind: 'file' });
  r.recordDataPath({ service: 'notes', id: 'gone' }, { path: 'a/b', kind: 'directory' });
  r.recordDataPath(bob, { path: 'a/b/trashed', kind: 'trash' });
  for (const path of ['a', 'a/b', 'a/b/c/d'])
    t.true(
      r.dataPathOwners(path).some(({ id }) => id === 'alice'),
      path,
    );
  t.deepEqual(r.dataPathOwners('a/b'), [alice]);
  for (const path of ['a/bc', 'a/B', 'a_b', 'b']) t.deepEqual(r.dataPathOwners(path), [], path);
});

test('what is gone is forgotten with all in it, whoever had it', (t) => {
  const r = registry(t);
  for (const path of ['a', 'a/b', 'a-c', 'b']) r.recordDataPath(alice, { path, kind: 'directory' });
  r.recordDataPath(bob, { path: 'a/b', kind: 'directory' });
  r.forgetDataPath('a');
  t.deepEqual([r.dataPaths(alice).map(({ path }) => path), r.dataPaths(bob)], [['a-c', 'b'], []]);
});

test('a database of the first version is brought up to date with its instances', (t) => {
  const dir = freshDir(t);
  const old = openDatabase(dir, { readonly: false, migrations: MIGRATIONS.slice(0, 1) });
  old.exec("INSERT INTO instances VALUES ('notes', 'alice', 'up', 100, '{}', 1)");
  const { name } = old;
  old.close();
  const db = openDatabase(dir, { readonly: false });
  const r = createRegistry(db);
  t.is(r.get(alice)?.want, 'up');
  t.false(r.get(alice)?.held);
  t.deepEqual(r.dataPaths(alice), []);
  db.close();
  t.notThrows(() => openSqlite(`${name}.v1`, { readonly: true }).close());
});
