import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { silentLog } from '../../src/base/log.js';
import { ensureAdminToken } from '../../src/first-start.js';
import { openStore } from '../../src/state/store.js';
import { freshDir } from '../helpers/fresh-dir.js';

test('a token file that others can read is closed to them, and said', (t) => {
  const dir = freshDir(t);
  const store = openStore(dir);
  t.teardown(() => store.close());
  const said: string[] = [];
  const log = { ...silentLog, warn: (text: string) => void said.push(text) } as unknown as typeof silentLog;
  const path = join(dir, 'api_token');
  ensureAdminToken(dir, store.tokens, 1, log);
  const token = readFileSync(path, 'utf8');
  t.deepEqual(said, []);
  chmodSync(path, 0o644);
  ensureAdminToken(dir, store.tokens, 2, log);
  t.is(statSync(path).mode & 0o777, 0o600);
  t.is(readFileSync(path, 'utf8'), token);
  t.is(store.tokens.list().length, 1);
  t.regex(said.join(), /could be read by others \(mode 644\) and is 0600 now/);
});
