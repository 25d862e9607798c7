import test from 'ava';
import fc from 'fast-check';
import { environmentFile } from '../../../../isolation/unit/env-file.js';

test('values in double quotes, with what systemd unescapes there escaped', (t) => {
  const env = { A: '', B: 'a "b" \\ $C `d`', C: "it's\nline two", D: '#no ;comment', E: 'ä€😀' };
  t.is(
    environmentFile(env),
    'A=""\nB="a \\"b\\" \\\\ \\$C \\`d\\`"\nC="it\'s\nline two"\nD="#no ;comment"\nE="ä€😀"\n',
  );
});

for (const [what, value] of [
  ['a NUL byte', 'a\0b'],
  ['an escape', '\x1b[0m'],
  ['a carriage return', 'a\r\nb'],
  ['half of a surrogate pair', 'a\ud800'],
] as const) {
  test(`${what} would be left out by systemd without a word, and is refused without the value`, (t) => {
    const error = t.throws(() => environmentFile({ SECRET_KEY: value }), { code: 'start_failed' });
    t.regex(error.message, /SECRET_KEY has a control character/);
    t.false(error.message.includes(value));
  });
}

test('whatever can be a value comes back', (t) => {
  const value = fc
    .string({ unit: 'grapheme', maxLength: 60 })
    .filter((text) => !/[\x00-\x08\x0b-\x1f\x7f]/.test(text));
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/);
  const rough = fc.string({
    unit: fc.constantFrom('"', '\\', '`', '$', '\n', '\t', ' ', '#', "'", '=', 'x'),
  });
  fc.assert(
    fc.property(fc.dictionary(name, fc.oneof(value, rough)), (env) => {
      t.deepEqual(readBySystemd(environmentFile(env)), { ...env });
    }),
  );
  t.pass();
});

/** As parse_env_file_internal in systemd's env-file.c reads it: between double quotes a backslash takes the next of these four away. */
function readBySystemd(text: string): Record<string, string> {
  const env: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const [head = '', name = ''] = /^([A-Za-z0-9_]+)="/.exec(rest) ?? [];
    if (head === '') throw new Error(`no assignment at ${JSON.stringify(rest)}`);
    let at = head.length;
    let value = '';
    for (; rest[at] !== '"'; at += 1) {
      if (at >= rest.length) throw new Error('the quotes do not end');
      const next = rest[at + 1] ?? '';
      if (rest[at] === '\\' && '"\\`$'.includes(next)) {
        value += next;
        at += 1;
      } else value += rest[at];
    }
    if (rest[at + 1] !== '\n') throw new Error('something follows the quotes');
    env[name] = value;
    rest = rest.slice(at + 2);
  }
  return env;
}
