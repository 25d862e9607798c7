import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openStore } from '../../../src/state/store.js';
import { freshDir } from '../../helpers/fresh-dir.js';

test('a token is verified with its scope, and any change to it is refused', (t) => {
  const store = openStore(freshDir(t));
  t.teardown(() => store.close());
  const { token, row } = store.tokens.create({ kind: 'tenant', tenant: 'alice' }, 'for alice', 1000);
  t.true(token.startsWith(row.prefix));
  t.deepEqual(store.tokens.verify(token, 1000)?.scope, { kind: 'tenant', tenant: 'alice' });
  const last = token.at(-1) === '0' ? '1' : '0';
  for (const bad of [
    '',
    row.prefix,
    `${token.slice(0, -1)}${last}`,
    token.slice(0, -1),
    `${token}0`,
    `${token}\n`,
    token.toUpperCase(),
    'x'.repeat(100_000),
  ]) {
    t.is(store.tokens.verify(bad, 1000), undefined);
  }
  t.throws(() => store.tokens.create({ kind: 'tenant', tenant: '../x' }, '', 1));
});

test('tokens are different, live side by side and end when revoked', (t) => {
  const store = openStore(freshDir(t));
  t.teardown(() => store.close());
  const made = Array.from({ length: 50 }, (_, i) => store.tokens.create({ kind: 'create' }, `${i}`, i));
  t.is(new Set(made.map(({ token }) => token.slice(13))).size, 50);
  t.is(store.tokens.list().length, 50);
  const [first, second] = made;
  t.true(store.tokens.revoke(first?.row.prefix ?? ''));
  t.false(store.tokens.revoke(first?.row.prefix ?? ''));
  t.is(store.tokens.verify(first?.token ?? '', 1), undefined);
  t.truthy(store.tokens.verify(second?.token ?? '', 1));
});

test('the last use is written at most once a minute', (t) => {
  const store = openStore(freshDir(t));
  t.teardown(() => store.close());
  const { token } = store.tokens.create({ kind: 'admin' }, '', 0);
  const start = 1_000_000;
  t.is(store.tokens.verify(token, start)?.lastUsedAt, start);
  t.is(store.tokens.verify(token, start + 59_999)?.lastUsedAt, start);
  t.is(store.tokens.verify(token, start + 60_000)?.lastUsedAt, start + 60_000);
  t.is(
    store.tokens.verify(token, start - 3_600_000)?.lastUsedAt,
    start - 3_600_000,
    'the clock was set back',
  );
});

test('the secret is nowhere on disk', (t) => {
  const dataDir = freshDir(t);
  const store = openStore(dataDir);
  const { token } = store.tokens.create({ kind: 'admin' }, '', 0);
  store.close();
  const bytes = readFileSync(join(dataDir, '.tenement', 'state.db')).toString('latin1');
  t.true(bytes.includes(token.slice(0, 12)), 'the public prefix is');
  t.false(bytes.includes(token.slice(13)));
});
