import test from 'ava';
import { parseRequestHead } from '../../../../src/proxy/http1/request-head.js';
import { type Forwarding, rewriteRequest } from '../../../../src/proxy/http1/rewrite-request.js';

const forwarding: Forwarding = {
  peerAddress: '192.0.2.7',
  secure: false,
  trusted: false,
  requestId: 'id1',
  rawHost: 'a.app.test',
  path: '/p?q',
  upgrade: false,
};

/** The lines that the app gets behind its request line. */
function sent(
  lines: readonly string[],
  more: Partial<Forwarding> = {},
  method = 'GET',
  version = '1.1',
): string[] {
  const text = [`${method} /p?q HTTP/${version}`, 'Host: a.app.test', ...lines, '', ''].join('\r\n');
  const head = parseRequestHead(text);
  if (head === undefined) throw new Error(`not accepted: ${text}`);
  const [first, host, ...rest] = rewriteRequest(head, { ...forwarding, ...more }).split('\r\n');
  if (first !== `${method} /p?q HTTP/1.1` || host !== 'Host: a.app.test')
    throw new Error(`${first}, ${host}`);
  if (rest.splice(-2).join() !== ',') throw new Error('no empty line');
  return rest;
}

const OURS = [
  'X-Forwarded-For: 192.0.2.7',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Host: a.app.test',
  'X-Request-Id: id1',
];

test('order, case, repetitions and white space stay', (t) => {
  const lines = ['Z: 1', 'a:  2 ', 'Z:3', 'AuthoriZation: Bearer x', 'Empty:'];
  t.deepEqual(sent(lines), [...lines, ...OURS]);
});

test('hop-by-hop fields and those that Connection names go', (t) => {
  const lines = ['Connection: keep-alive, X-Secret', 'X-Secret: 1', 'Keep-Alive: x', 'Proxy-Connection: x'];
  t.deepEqual(sent([...lines, 'Upgrade: h2c', 'HTTP2-Settings: x', 'TE: gzip', 'A: b']), ['A: b', ...OURS]);
});

// Attack: Connection names an end-to-end field, so that the app sees a request without it.
test('Connection cannot strip Host, Authorization, Cookie, the length or what we set', (t) => {
  const attack = 'Connection: host, authorization, cookie, content-length, x-forwarded-for, x-request-id';
  const lines = ['Authorization: x', 'Cookie: c=1', 'Content-Length: 3'];
  t.deepEqual(sent([attack, ...lines]), [...lines, ...OURS]);
});

// Attack: a client says whom it is; with "_" an app that maps header names to variables can't tell it from ours.
test('forwarding and internal fields of a stranger go, in any spelling', (t) => {
  const names = ['X-Forwarded-For', 'x_forwarded_for', 'X-Forwarded_Proto', 'X-Forwarded-Port', 'Forwarded'];
  const more = ['X-Request-Id', 'X_REQUEST_ID', 'X-Tenement-Client', 'x_tenement-client'];
  t.deepEqual(sent([...names, ...more].map((name) => `${name}: 1.1.1.1`)), OURS);
});

test('those of a trusted proxy are continued', (t) => {
  const lines = ['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 2.2.2.2', 'X-Forwarded-Proto: https'];
  t.deepEqual(
    sent([...lines, 'X-Forwarded-Host: h', 'X-Forwarded-Port: 443', 'X_Forwarded_For: no'], {
      trusted: true,
    }),
    [
      'X-Forwarded-For: 1.1.1.1, 2.2.2.2, 192.0.2.7',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: h',
      'X-Request-Id: id1',
      'X-Forwarded-Port: 443',
    ],
  );
});

test('TE: trailers, framing and Expect', (t) => {
  t.deepEqual(sent(['TE: gzip, trailers']), [...OURS, 'TE: trailers', 'Connection: TE']);
  t.deepEqual(sent(['Transfer-Encoding: Chunked']), [...OURS, 'Transfer-Encoding: chunked']);
  t.deepEqual(sent([], {}, 'POST'), [...OURS, 'Content-Length: 0']);
  t.deepEqual(sent(['Expect: 100-continue']), ['Expect: 100-continue', ...OURS]);
  t.deepEqual(sent(['Expect: 100-continue'], {}, 'GET', '1.0'), OURS);
});

test('an upgrade keeps Upgrade', (t) => {
  const lines = sent(['Connection: keep-alive, Upgrade', 'Upgrade: websocket'], { upgrade: true });
  t.deepEqual(lines, ['Upgrade: websocket', ...OURS, 'Connection: Upgrade']);
});

test('a path from an absolute target, and a Host for HTTP/1.0', (t) => {
  const head = parseRequestHead('GET http://h/x HTTP/1.0\r\nA: b\r\n\r\n');
  const text = head && rewriteRequest(head, { ...forwarding, path: '/x', rawHost: 'h' });
  t.regex(text ?? '', /^GET \/x HTTP\/1\.1\r\nA: b\r\n[\s\S]*\r\nHost: h\r\n\r\n$/);
});
