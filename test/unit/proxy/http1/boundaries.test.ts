import test from 'ava';
import fc from 'fast-check';
import { BodyReader } from '../../../../src/proxy/http1/body-reader.js';
import { HeadReader } from '../../../../src/proxy/http1/head-reader.js';

/** The pieces of a text between cuts. */
function cut(text: string, cuts: readonly number[]): Buffer[] {
  const points = [...new Set(cuts.map((at) => at % (text.length + 1)))].sort((a, b) => a - b);
  const pieces: Buffer[] = [];
  let from = 0;
  for (const point of [...points, text.length]) {
    pieces.push(Buffer.from(text.slice(from, point), 'latin1'));
    from = point;
  }
  return pieces;
}

const cuts = fc.array(fc.nat(), { maxLength: 20 });

test('a head is the same however it is cut, and what follows it is left', (t) => {
  const head = '\r\nPOST /x HTTP/1.1\r\nHost: a\r\nX:  \xe4 b \r\n\r\n';
  fc.assert(
    fc.property(cuts, (points) => {
      const reader = new HeadReader({ limit: 1000, of: 'request' });
      let left = '';
      for (const piece of cut(`${head}body`, points)) {
        const at = reader.status === 'more' ? reader.push(piece, 0, piece.length) : 0;
        left += piece.toString('latin1', at);
      }
      t.deepEqual([reader.status, reader.text, left], ['complete', head.slice(2), 'body']);
    }),
  );
});

test('so is what is wrong', (t) => {
  for (const bad of [
    'GET / HTTP/1.1\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nA: \0\r\n\r\n',
    'G\rX\r\n\r\n',
    '\n\r\n',
  ]) {
    fc.assert(
      fc.property(cuts, (points) => {
        const reader = new HeadReader({ limit: 1000, of: 'request' });
        for (const piece of cut(bad, points))
          if (reader.status === 'more') reader.push(piece, 0, piece.length);
        t.is(reader.status, 'bad');
      }),
    );
  }
});

const chunk = fc.record({
  data: fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }),
  extension: fc.constantFrom('', '', ';a', ';a="b c"', ';'),
  zeros: fc.constantFrom('', '0', '00'),
});

test('chunks, however cut, pass without their extensions, and end where they end', (t) => {
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 6 }),
      fc.constantFrom('', 'X-Sum: 1\r\n'),
      cuts,
      (chunks, trailers, points) => {
        const wire = (withExtensions: boolean) =>
          chunks
            .map(({ data, extension, zeros }) => {
              const size = zeros + data.length.toString(16);
              return `${size}${withExtensions ? extension : ''}\r\n${data}\r\n`;
            })
            .join('');
        const bytes = `${wire(true)}0\r\n${trailers}\r\n`;
        const reader = new BodyReader({ kind: 'chunked' });
        let passed = '';
        let data = '';
        let left = '';
        for (const piece of cut(`${bytes}GET /`, points)) {
          let at = 0;
          while (at < piece.length && reader.status === 'more') {
            at = reader.take(piece, at, piece.length, (from, to) => {
              data += piece.toString('latin1', from, to);
            });
            passed += piece.toString('latin1', reader.passStart, reader.passEnd);
          }
          left += piece.toString('latin1', at);
        }
        passed += reader.tail;
        t.is(reader.status, 'done');
        t.is(data, chunks.map((one) => one.data).join(''));
        t.is(passed, `${wire(false)}0\r\n${trailers}\r\n`);
        t.is(left, 'GET /');
        t.is(reader.bytes, data.length);
      },
    ),
    { numRuns: 500 },
  );
});

test('more than the limit is seen before it passes', (t) => {
  const reader = new BodyReader({ kind: 'chunked' }, 10);
  const bytes = Buffer.from('8\r\n12345678\r\n3\r\nabc');
  const at = reader.take(bytes, 0, bytes.length);
  t.is(reader.status, 'too_large');
  t.true(at < bytes.indexOf('abc'));
});
