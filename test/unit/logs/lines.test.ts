import test from 'ava';
import fc from 'fast-check';
import { LineSplitter } from '../../../src/logs/lines.js';
import { cleanText, toMessage } from '../../../src/logs/message.js';

const messages = (chunks: readonly (string | Buffer)[], lineBytes = 64, unfinishedBytes = 1000): string[] => {
  const splitter = new LineSplitter(lineBytes, unfinishedBytes);
  const lines = chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk)));
  const last = splitter.end();
  return [...lines, ...(last === undefined ? [] : [last])].map(toMessage);
};

test('lines come out whole however the bytes were cut, and sizes add up', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, ' '))),
      fc.array(fc.nat(9), { minLength: 1 }),
      (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        const splitter = new LineSplitter(1000, 10_000);
        const lines = [];
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const next = at + 1 + (cuts[i % cuts.length] ?? 0);
          lines.push(...splitter.push(bytes.subarray(at, next)));
          at = next;
        }
        t.deepEqual(
          lines.map((line) => line.head.toString()),
          texts,
        );
        t.is(
          lines.reduce((sum, line) => sum + line.size, 0),
          bytes.length,
        );
        t.is(splitter.pending, 0);
      },
    ),
  );
});

test('a long line is cut with a mark that counts what is missing', (t) => {
  t.deepEqual(messages([`${'a'.repeat(50)}`, `${'a'.repeat(50)}\nnext\n`]), [
    `${'a'.repeat(64)} … [36 bytes cut]`,
    'next',
  ]);
});

test('a cut never tears a character', (t) => {
  const [message] = messages([`${'a'.repeat(62)}€€\n`]);
  t.is(message, `${'a'.repeat(62)} … [6 bytes cut]`);
  t.is(messages([`${'a'.repeat(61)}€x\n`])[0], `${'a'.repeat(61)}€ … [1 bytes cut]`);
});

test('output without any line end is bounded', (t) => {
  const splitter = new LineSplitter(64, 1000);
  const lines = splitter.push(Buffer.alloc(600, 'x')).concat(splitter.push(Buffer.alloc(600, 'x')));
  t.deepEqual(
    lines.map(({ head, missing, size }) => ({ head: head.length, missing, size })),
    [{ head: 64, missing: 1136, size: 1200 }],
  );
});

test('CRLF, empty lines, no line end at the end', (t) => {
  t.deepEqual(messages(['one\r\n\ntwo\r\nthree']), ['one', '', 'two', 'three']);
});

test('what could harm a terminal or break a line becomes visible', (t) => {
  t.deepEqual(messages([Buffer.from('a\0b\x1b]0;title\x07c\td\x7f\n', 'latin1')]), [
    'a\u2400b\u241b]0;title\u2407c\td\u2421',
  ]);
  t.is(cleanText('\x1b[1;31mred\x1b[0m plain'), 'red plain');
  t.is(cleanText('\u009b31m\n'), '\ufffd31m\u240a');
});

test('invalid UTF-8 is replaced', (t) => {
  t.deepEqual(messages([Buffer.from([0x61, 0xff, 0xc3, 0x0a, 0xe2, 0x82, 0xac, 0x0a])]), [
    'a\ufffd\ufffd',
    '€',
  ]);
});

test('a line whose beginning was skipped says so', (t) => {
  const splitter = new LineSplitter(64, 1000);
  splitter.push(Buffer.from('lost'));
  splitter.reset(true);
  t.deepEqual(splitter.push(Buffer.from('rest\nwhole\n')).map(toMessage), ['… rest', 'whole']);
});
