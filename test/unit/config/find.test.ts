import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { findConfig, readOwnedFile, unsafeReason } from '../../../src/config/find.js';
import { configFile } from '../../helpers/config-file.js';
import { freshDir } from '../../helpers/fresh-dir.js';

test('--config wins over TENEMENT_CONFIG, and that over the working directory', (t) => {
  const dir = freshDir(t);
  const [flag, variable, cwd] = ['flag', 'variable', 'cwd'].map((name) => configFile(t, '', join(dir, name)));
  const env = { TENEMENT_CONFIG: join(dir, 'variable') };
  t.is(findConfig({ explicit: flag, env, cwd: join(dir, 'cwd') }), flag ?? '');
  t.is(findConfig({ explicit: 'flag/tenement.toml', env, cwd: dir }), flag ?? '');
  t.is(findConfig({ env, cwd: join(dir, 'cwd') }), variable ?? '');
  t.is(findConfig({ env: { TENEMENT_CONFIG: '' }, cwd: join(dir, 'cwd') }), cwd ?? '');
});

test('directories above the working directory are searched', (t) => {
  const dir = freshDir(t);
  const path = configFile(t, '', dir);
  mkdirSync(join(dir, 'a/b'), { recursive: true });
  t.is(findConfig({ env: {}, cwd: join(dir, 'a/b') }), path);
});

test('a file that was named and is not there is an error, also when there is another', (t) => {
  const dir = freshDir(t);
  configFile(t, '', dir);
  for (const options of [{ explicit: 'nope.toml', env: {} }, { env: { TENEMENT_CONFIG: 'nope.toml' } }]) {
    const error = t.throws(() => findConfig({ ...options, cwd: dir }), { instanceOf: TenementError });
    t.is(error.code, 'config_not_found');
    t.regex(error.message, /nope\.toml/);
  }
});

test('a file that others can write is refused', (t) => {
  const path = configFile(t, '');
  t.is(readOwnedFile(path), '');
  chmodSync(path, 0o646);
  const error = t.throws(() => readOwnedFile(path), { instanceOf: TenementError });
  t.is(error.code, 'config_unsafe');
  t.regex(error.message, /everybody can write it/);
});

test('a directory or a missing file can’t be read', (t) => {
  const dir = freshDir(t);
  for (const path of [dir, join(dir, 'x')]) {
    t.is(t.throws(() => readOwnedFile(path), { instanceOf: TenementError }).code, 'config_not_found');
  }
});

test('owner and mode decide', (t) => {
  t.is(unsafeReason({ uid: 1000, gid: 1000, mode: 0o100644 }, 1000), undefined);
  t.is(unsafeReason({ uid: 0, gid: 0, mode: 0o100644 }, 1000), undefined);
  t.regex(unsafeReason({ uid: 1001, gid: 1001, mode: 0o100644 }, 1000) ?? '', /1001/);
  t.regex(unsafeReason({ uid: 1000, gid: 1000, mode: 0o100644 }, 0) ?? '', /1000/, 'root trusts no user');
  t.regex(unsafeReason({ uid: 1000, gid: 100, mode: 0o100664 }, 1000) ?? '', /group/);
  t.regex(unsafeReason({ uid: 0, gid: 0, mode: 0o100664 }, 0) ?? '', /group/);
  t.is(unsafeReason({ uid: 1000, gid: 1000, mode: 0o100664 }, 1000), undefined, 'a private group, umask 002');
});
