import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { openStore } from '../../../src/state/store.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const mode = (path: string): number => statSync(path).mode & 0o777;

test('creates the data directory with the modes that keep tenants apart', (t) => {
  const dataDir = join(freshDir(t), 'deep', 'data');
  const store = openStore(dataDir);
  t.teardown(() => store.close());
  store.registry.register({ service: 'notes', id: 'alice' }, 1);
  t.is(mode(dataDir), 0o711);
  t.is(mode(join(dataDir, '.tenement')), 0o700);
  for (const file of ['state.db', 'state.db-wal', 'state.db-shm']) {
    t.is(mode(join(dataDir, '.tenement', file)), 0o600, file);
  }
});

test('puts right modes that were too open', (t) => {
  const dataDir = freshDir(t);
  mkdirSync(join(dataDir, '.tenement'));
  chmodSync(dataDir, 0o777);
  chmodSync(join(dataDir, '.tenement'), 0o755);
  openStore(dataDir).close();
  t.is(mode(dataDir), 0o711);
  t.is(mode(join(dataDir, '.tenement')), 0o700);
});

test('refuses a symbolic link in the place of .tenement', (t) => {
  const dataDir = freshDir(t);
  const elsewhere = freshDir(t);
  symlinkSync(elsewhere, join(dataDir, '.tenement'));
  const error = t.throws(() => openStore(dataDir), { instanceOf: TenementError });
  t.is(error?.code, 'state_unusable');
  t.regex(error?.message ?? '', /is not a directory/);
});

test('a damaged file gives a clear error and stays as it is', (t) => {
  const dataDir = freshDir(t);
  const path = join(dataDir, '.tenement', 'state.db');
  openStore(dataDir).close();
  const good = readFileSync(path);
  const overwritten = Buffer.from(good);
  overwritten.fill(0xa5, 0, 100);
  const torn = Buffer.from(good);
  torn.fill(0xa5, 4096);
  for (const bad of [overwritten, torn, Buffer.from('not a database at all, just text\n'.repeat(50))]) {
    writeFileSync(path, bad);
    const error = t.throws(() => openStore(dataDir), { instanceOf: TenementError });
    t.is(error?.code, 'state_unusable');
    t.regex(error?.message ?? '', /is damaged/);
    t.deepEqual(readFileSync(path), bad);
  }
});

test('readonly creates nothing and writes nothing', (t) => {
  const dataDir = freshDir(t);
  const error = t.throws(() => openStore(dataDir, { readonly: true }), { instanceOf: TenementError });
  t.regex(error?.message ?? '', /no state/);
  const store = openStore(dataDir);
  t.teardown(() => store.close());
  const { token } = store.tokens.create({ kind: 'admin' }, '', 1);
  const reader = openStore(dataDir, { readonly: true });
  t.teardown(() => reader.close());
  t.truthy(reader.tokens.verify(token, 500_000));
  t.is(reader.tokens.list()[0]?.lastUsedAt, undefined);
  // SQLite's error class is no native error: ava wants to be told.
  t.throws(() => reader.registry.register({ service: 'a', id: 'b' }, 1), { any: true, message: /readonly/ });
});

test('two connections see each other', (t) => {
  const dataDir = freshDir(t);
  const server = openStore(dataDir);
  const cli = openStore(dataDir);
  t.teardown(() => server.close());
  t.teardown(() => cli.close());
  const { token, row } = cli.tokens.create({ kind: 'admin' }, 'made beside the server', 1);
  t.is(server.tokens.verify(token, 2)?.prefix, row.prefix);
  t.true(cli.tokens.revoke(row.prefix));
  t.is(server.tokens.verify(token, 3), undefined);
});
