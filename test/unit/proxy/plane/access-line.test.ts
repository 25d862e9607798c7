import test from 'ava';
import fc from 'fast-check';
import { type AccessEntry, combinedLine, jsonLine } from '../../../../src/proxy/plane/access-line.js';

const ENTRY: AccessEntry = {
  at: Date.UTC(2030, 0, 5, 7, 8, 9, 120),
  client: '192.0.2.1',
  method: 'GET',
  host: 'alice.notes.example.com',
  target: '/list?page=2',
  httpVersion: '1.1',
  status: 200,
  bytesIn: 0,
  bytesOut: 1234,
  durationMs: 1.23456,
  instance: 'notes:alice',
  requestId: 'r1',
  referer: undefined,
  userAgent: 'curl/8',
};

test('combined', (t) => {
  t.is(
    combinedLine(ENTRY),
    '192.0.2.1 - - [05/Jan/2030:07:08:09 +0000] "GET /list?page=2 HTTP/1.1" 200 1234 "-" "curl/8"\n',
  );
});

test('combined, without an address and with a referer', (t) => {
  const text = combinedLine({ ...ENTRY, client: '', referer: 'https://example.com/', userAgent: '' });
  t.regex(text, /^- - - \[/);
  t.regex(text, /"https:\/\/example.com\/" "-"\n$/);
});

// Attack: a forged second line by way of a header or the path.
test('combined: quotes, breaks and other controls are escaped', (t) => {
  const text = combinedLine({ ...ENTRY, userAgent: 'a"b\\c\nd\u007fé\u2028', target: '/"\r\n' });
  t.is(text.split('\n').length, 2);
  t.true(text.endsWith('"a\\x22b\\x5Cc\\x0Ad\\x7F\\xE9\\u2028"\n'));
  t.true(text.includes('"GET /\\x22\\x0D\\x0A HTTP/1.1"'));
});

test('json: one line, in the shape of pino', (t) => {
  const text = jsonLine({ ...ENTRY, userAgent: 'a"\n' });
  t.is(text.split('\n').length, 2);
  t.deepEqual(JSON.parse(text), {
    level: 30,
    time: '2030-01-05T07:08:09.120Z',
    client: '192.0.2.1',
    method: 'GET',
    host: 'alice.notes.example.com',
    target: '/list?page=2',
    httpVersion: '1.1',
    status: 200,
    bytesIn: 0,
    bytesOut: 1234,
    instance: 'notes:alice',
    requestId: 'r1',
    userAgent: 'a"\n',
    durationMs: 1.23,
    msg: 'request',
  });
});

test('json: whatever the headers hold, the line says the same', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
      (target, referer) => {
        const line = jsonLine({ ...ENTRY, target, referer });
        t.regex(line, /^[\x20-\x7e]+\n$/, 'ASCII alone');
        const parsed = JSON.parse(line);
        t.deepEqual([parsed.target, parsed.referer], [target, referer]);
      },
    ),
  );
});
