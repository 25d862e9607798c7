import test from 'ava';
import { parse } from 'smol-toml';
import { editToml } from '../../../src/install/toml-edit.js';

const CASES: readonly [title: string, source: string, path: string[], value: string | string[]][] = [
  ['a key that is there', '[settings]\ndata_dir = "./d" # here\n', ['settings', 'data_dir'], '/d'],
  [
    'a key of a table that is there',
    '# of people\n[service.a]\ncommand = "x"\n',
    ['service', 'a', 'workdir'],
    '/w',
  ],
  ['a table that is not there', 'x = 1', ['settings', 'data_dir'], '/d'],
  ['an inline table', 'settings = { port = 1 }\n', ['settings', 'data_dir'], '/d'],
  ['an empty inline table', 'settings = {}\n', ['settings', 'data_dir'], '/d'],
  ['a dotted key', 'settings.data_dir = "./d"\n', ['settings', 'data_dir'], '/d'],
  ['a quoted key', '[service."a-b"]\ncommand = "x"', ['service', 'a-b', 'workdir'], '/w'],
  ['a list', '[settings]\nlisten = [\n  "a", # one\n  "b",\n]\n', ['settings', 'listen'], ['c', 'd']],
  ['a value with quotes and control characters', '[a]\nb = 1\n', ['a', 'b'], 'q"\\\u0001\u007f\n'],
  ['a file without a last line end', '[a]', ['a', 'b'], 'c'],
  ['Windows line ends', '[a]\r\nb = "x"\r\nc = "y"\r\n', ['a', 'b'], 'z'],
];

for (const [title, source, path, value] of CASES) {
  test(`${title}: it is set, and all else stays`, (t) => {
    const edited = editToml(source, [{ path, value }]);
    const wanted = parse(source) as Record<string, unknown>;
    let table = wanted;
    for (const key of path.slice(0, -1)) {
      table[key] ??= {};
      table = table[key] as Record<string, unknown>;
    }
    table[path.at(-1) ?? ''] = value;
    t.deepEqual(JSON.parse(JSON.stringify(parse(edited))), JSON.parse(JSON.stringify(wanted)));
    for (const [comment] of source.matchAll(/# (?:here|of people)/g)) t.true(edited.includes(comment));
  });
}
