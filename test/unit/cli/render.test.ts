import test from 'ava';
import pc from 'picocolors';
import { bytes, safeForTerminal, seconds, table } from '../../../src/cli/render.js';

test('columns are as wide as their widest cell, colours not counted, and no line ends in spaces', (t) => {
  const { green } = pc.createColors(true);
  const text = table(
    ['A', 'HEALTH', 'N'],
    [
      ['notes:alice', green('healthy'), '1'],
      ['x', 'bad', ''],
    ],
  );
  t.deepEqual(text.split('\n'), [
    'A            HEALTH   N',
    `notes:alice  ${green('healthy')}  1`,
    'x            bad',
  ]);
});

test('what is not known is a dash', (t) => {
  t.is(seconds(null), '-');
  t.is(bytes(null), '-');
  t.is(seconds(90), '1m 30s');
});

test("an app's line cannot drive the operator's terminal", (t) => {
  t.is(safeForTerminal('\x1b]0;owned\x07text\x1b[2J', true), '\\x1b]0;owned\\x07text\\x1b[2J\x1b[0m');
  t.is(safeForTerminal('a\rb\x9b31m', false), 'a\\x0db\\x9b31m');
  t.is(safeForTerminal('tab\tünïcode', false), 'tab\tünïcode');
});

test('colours of an app pass only where colours are wanted, and end with the line', (t) => {
  t.is(safeForTerminal('\x1b[31mred', true), '\x1b[31mred\x1b[0m');
  t.is(safeForTerminal('\x1b[31mred\x1b[0m', false), 'red');
});
