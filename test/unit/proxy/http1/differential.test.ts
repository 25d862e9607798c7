import { METHODS } from 'node:http';
import test from 'ava';
import fc from 'fast-check';
import { HeadReader } from '../../../../src/proxy/http1/head-reader.js';
import { parseRequestHead, type RequestHead } from '../../../../src/proxy/http1/request-head.js';
import { parseWithNode } from '../../../helpers/node-parser.js';

// Attack: request smuggling lives where two parsers differ. Whatever we accept, llhttp accepts with the same meaning.

function parse(bytes: string): RequestHead | undefined {
  const reader = new HeadReader({ limit: 64 * 1024, of: 'request' });
  const buffer = Buffer.from(bytes, 'latin1');
  const consumed = reader.push(buffer, 0, buffer.length);
  // What follows the head is the body's matter.
  if (reader.status !== 'complete' || consumed !== buffer.length) return undefined;
  return parseRequestHead(reader.text);
}

/** Mostly `good`, and now and then one of the others. */
function mostly<T>(good: fc.Arbitrary<T>, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 30, arbitrary: good }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const octet = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const name = mostly(
  fc.oneof(
    fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/),
    fc.constantFrom('Host', 'Connection', 'Upgrade', 'TE', 'Expect', 'Trailer', 'Transfer_Encoding'),
  ),
  ...['Content-Length ', ' Host', '', 'a:b', 'A\x80'],
);
const value = mostly(
  fc.stringMatching(/^[\t -~\x80-\xff]{0,20}$/),
  'a\r\n b',
  'a\nb',
  'a\rb',
  'a\0b',
  'a\x7fb',
);
const special = fc.constantFrom('close', 'upgrade', 'keep-alive, a', 'h2c', '100-continue', 'trailers', '');
const framing = fc.oneof(
  fc
    .constantFrom('content-length', 'Content-Length')
    .chain((key) =>
      mostly(
        fc.constantFrom('0', '7', '007', '999999999999999'),
        '+5',
        '-1',
        '5, 5',
        '0x5',
        '1e3',
        '9'.repeat(30),
        '',
      ).map((length) => [key, length] as const),
    ),
  mostly(
    fc.constantFrom('chunked', 'Chunked'),
    'gzip, chunked',
    'chunked, chunked',
    'identity',
    'xchunked',
    '',
  ).map((coding) => ['Transfer-Encoding', coding] as const),
);
const field = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(name, fc.oneof(value, special)) },
  { weight: 1, arbitrary: framing },
);
const line = fc
  .tuple(field, mostly(fc.constantFrom(':', ': ', ':\t'), ' :', ''), fc.constantFrom('', '', ' ', '\t'))
  .map(([[key, text], colon, space]) => `${key}${colon}${text}${space}`);
const target = mostly(
  fc.oneof(
    fc.webPath().map((path) => path || '/'),
    fc.constantFrom('/', 'http://a/b', 'https://a', '//x', '/%', '/?"<>^`{|}'),
  ),
  ...['*', '/a b', '/\x80', '/#', 'x', '/a\tb', ''],
);
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'];
const first = fc
  .tuple(
    mostly(fc.constantFrom(...methods), 'get', 'G ET', 'QUERY', 'GETX', ''),
    mostly(fc.constant(' '), '  ', '\t', ''),
    target,
    mostly(
      fc.constantFrom(' HTTP/1.1', ' HTTP/1.0'),
      ' HTTP/1.2',
      ' HTTP/0.9',
      ' http/1.1',
      '',
      ' HTTP/1.1 ',
      ' HTTP/1.10',
    ),
  )
  .map((parts) => parts.join(''));
const lineEnd = mostly(fc.constant('\r\n'), '\n', '\r', '\r\r\n');
const head = fc
  .tuple(
    mostly(fc.constantFrom('', '\r\n'), '\n', ' '),
    first,
    lineEnd,
    fc.array(line, { maxLength: 6 }),
    lineEnd,
  )
  .map(([blank, start, end, lines, last]) =>
    [blank, start, end, ...lines.map((one) => `${one}${end}`), last].join(''),
  );
/** One byte somewhere is another one. */
const damaged = fc
  .tuple(head, fc.nat(), octet)
  .map(([text, at, by]) => text.slice(0, at % text.length) + by + text.slice((at % text.length) + 1));

for (const [title, heads, runs] of [
  ['heads made of good and bad parts', head, 4000],
  ['heads with one byte damaged', damaged, 4000],
] as const) {
  test(`${title}: what we accept, Node accepts as the same`, async (t) => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(heads, async (text) => {
        const ours = parse(text);
        // Methods are tokens; Node knows a fixed list.
        if (ours === undefined || !METHODS.includes(ours.method) || ours.method === 'CONNECT') return;
        accepted += 1;
        const theirs = await parseWithNode(text);
        const { names, values } = ours.fields;
        t.deepEqual(theirs, {
          method: ours.method,
          url: ours.target,
          version: `1.${ours.minor}`,
          rawHeaders: names.flatMap((one, i) => [one, values[i] ?? '']),
        });
      }),
      { numRuns: runs },
    );
    t.log(`${accepted} of ${runs} accepted`);
    t.true(accepted > runs / 20);
  });
}
