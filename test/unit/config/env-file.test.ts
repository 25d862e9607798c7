import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { parseEnvFile, readEnvFile } from '../../../src/config/env-file.js';
import { freshDir } from '../../helpers/fresh-dir.js';

test('lines, comments, quotes', (t) => {
  const text = `# comment
A=1
export B = two words  # comment

C="a # b \\"c\\"\\n" # comment
D='raw \\n {id} $X'
E=
F=a#b=c\r
G=""
`;
  t.deepEqual(parseEnvFile(text, 'x.env'), {
    A: '1',
    B: 'two words',
    C: 'a # b "c"\n',
    D: 'raw \\n {id} $X',
    E: '',
    F: 'a#b=c',
    G: '',
  });
});

for (const line of [
  'hunter2',
  '1A=hunter2',
  'A="hunter2',
  "A='hunter2' hunter2",
  'A B=hunter2',
  'TENEMENT_X=hunter2',
]) {
  test(`refused without being quoted: ${line}`, (t) => {
    const error = t.throws(() => parseEnvFile(`OK=1\n${line}\n`, 'x.env'), { instanceOf: TenementError });
    t.is(error.code, 'config_invalid');
    t.regex(error.message, /^x\.env:2: /);
    t.notRegex(error.message, /hunter2/);
  });
}

test('a file that group or others have permissions on is refused', (t) => {
  const path = join(freshDir(t), 'x.env');
  writeFileSync(path, 'A=1\n');
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(path, mode);
    const error = t.throws(() => readEnvFile(path), { instanceOf: TenementError });
    t.is(error.code, 'config_unsafe');
    t.regex(error.hint, /chmod 600/);
  }
  chmodSync(path, 0o600);
  t.deepEqual(readEnvFile(path), { A: '1' });
});

test('a missing file is named', (t) => {
  t.throws(() => readEnvFile('/nowhere/x.env'), {
    message: /\/nowhere\/x\.env can't be read: there is no such file/,
  });
});
