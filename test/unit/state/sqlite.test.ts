import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { packageRoot } from '../../../src/base/package-root.js';
import { notBuilt, openSqlite } from '../../../src/state/sqlite.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const modules = (name: string) => fileURLToPath(new URL(`../../../src/state/${name}.js`, import.meta.url));

test('what the driver makes is never garbage, also not after it was closed', (t) => {
  const script = `
    import Database from 'better-sqlite3';
    const made = [];
    const { prepare } = Database.prototype;
    Database.prototype.prepare = function (...args) {
      const statement = prepare.apply(this, args);
      made.push(new WeakRef(statement), new WeakRef(this));
      return statement;
    };
    for (const dropping of ['pragma', 'iterate', 'backup']) {
      Database.prototype[dropping] = () => {
        throw new Error(dropping + ' makes something that nobody keeps');
      };
    }
    const { openStore } = await import(${JSON.stringify(modules('store'))});
    const { lockDataDir } = await import(${JSON.stringify(modules('lock'))});
    for (let round = 0; round < 3; round += 1) {
      const lock = lockDataDir('.');
      const store = openStore('.');
      store.tokens.create({ kind: 'admin' }, 'round ' + round, round);
      store.registry.all();
      store.close();
      lock.release();
    }
    // A WeakRef holds what it refers to until the turn ends.
    await new Promise((done) => setTimeout(done));
    gc();
    console.log(made.length > 0, made.filter((one) => one.deref() === undefined).length);`;
  const args = ['--expose-gc', '--input-type=module', '-e', script];
  // The script's own import is looked up from where it runs.
  const cwd = freshDir(t);
  symlinkSync(join(packageRoot, 'node_modules'), join(cwd, 'node_modules'));
  t.is(execFileSync(process.execPath, args, { cwd, encoding: 'utf8' }).trim(), 'true 0');
});

test('a pragma is set and read', (t) => {
  const db = openSqlite(':memory:', {});
  t.teardown(() => db.close());
  t.is(db.pragma('user_version', { simple: true }), 0);
  db.pragma('user_version = 3');
  t.is(db.pragma('user_version', { simple: true }), 3);
  t.deepEqual(db.pragma('user_version'), [{ user_version: 3 }]);
});

test('a driver that was built for another Node is named, with what builds it', (t) => {
  const foreign = Object.assign(new Error('The module x was compiled against another'), {
    code: 'ERR_DLOPEN_FAILED',
  });
  for (const error of [foreign, new Error('Could not locate the bindings file. Tried: ...')]) {
    const shown = notBuilt(error);
    t.regex(shown?.message ?? '', new RegExp(`SQLite driver.*Node ${process.versions.node}`));
    t.regex(shown?.hint ?? '', /npm rebuild better-sqlite3/);
  }
  t.is(notBuilt(new Error('disk full')), undefined);
});
