import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { openSqlite } from '../../../src/state/sqlite.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const modules = (name: string) => fileURLToPath(new URL(`../../../src/state/${name}.js`, import.meta.url));

test('no collection of garbage ends the process, however much was opened, prepared and closed', (t) => {
  const script = `
    const { openStore } = await import(${JSON.stringify(modules('store'))});
    const { lockDataDir } = await import(${JSON.stringify(modules('lock'))});
    for (let round = 0; round < 30; round += 1) {
      const lock = lockDataDir('.');
      const store = openStore('.');
      store.tokens.create({ kind: 'admin' }, 'round ' + round, round);
      store.registry.all();
      store.close();
      lock.release();
      // Enough for collections that begin by themselves, in a task of the platform: one that is asked for runs where JavaScript does.
      const garbage = [];
      for (let turn = 0; turn < 40; turn += 1) {
        garbage.push(Buffer.alloc(1e6), Array.from({ length: 20_000 }, (_, index) => ({ index })));
        await new Promise((done) => setTimeout(done, 1));
      }
    }
    console.log('well');`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: freshDir(t),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.is(output.trim(), 'well');
});

test('a pragma is set and read', (t) => {
  const db = openSqlite(':memory:', {});
  t.teardown(() => db.close());
  t.is(db.pragma('user_version', { simple: true }), 0);
  db.pragma('user_version = 3');
  t.is(db.pragma('user_version', { simple: true }), 3);
  t.deepEqual(db.pragma('user_version'), [{ user_version: 3 }]);
});
