import test from 'ava';
import { parseResponseHead } from '../../../../src/proxy/http1/response-head.js';
import {
  type Delivery,
  rewriteResponse,
  rewriteSwitching,
} from '../../../../src/proxy/http1/rewrite-response.js';

const delivery: Delivery = { method: 'GET', minor: 1, addChunks: false, close: false };

function sent(lines: readonly string[], more: Partial<Delivery> = {}, first = 'HTTP/1.1 200 OK'): string[] {
  const head = parseResponseHead([first, ...lines, '', ''].join('\r\n'));
  if (head === undefined) throw new Error('not accepted');
  return rewriteResponse(head, { ...delivery, ...more })
    .split('\r\n')
    .slice(0, -2);
}

test('hop-by-hop fields go, everything else stays as it is', (t) => {
  const lines = [
    'Set-Cookie: a',
    'Connection: close, X-Hop',
    'x-hop: 1',
    'set-cookie:b',
    'Keep-Alive: timeout=5',
  ];
  t.deepEqual(sent(lines), ['HTTP/1.1 200 OK', 'Set-Cookie: a', 'set-cookie:b']);
});

test('framing fits the client', (t) => {
  const chunked = ['Transfer-Encoding: chunked', 'Trailer: X-T'];
  t.deepEqual(sent(chunked), ['HTTP/1.1 200 OK', 'Trailer: X-T', 'Transfer-Encoding: chunked']);
  t.deepEqual(sent(chunked, { minor: 0, close: true }), ['HTTP/1.1 200 OK', 'Connection: close']);
  t.deepEqual(sent(['Content-Length: 3'], { minor: 0 }), [
    'HTTP/1.1 200 OK',
    'Content-Length: 3',
    'Connection: keep-alive',
  ]);
  t.deepEqual(sent([], { addChunks: true }, 'HTTP/1.0 200 OK'), [
    'HTTP/1.1 200 OK',
    'Transfer-Encoding: chunked',
  ]);
  t.deepEqual(sent(['Content-Length: 0'], {}, 'HTTP/1.1 204 No'), ['HTTP/1.1 204 No']);
  t.deepEqual(sent(['Content-Length: 7'], { method: 'HEAD' }), ['HTTP/1.1 200 OK', 'Content-Length: 7']);
});

// Attack: an app passes its own failure off as the server's.
test('an app cannot send tenement-error', (t) => {
  t.deepEqual(sent(['Tenement-Error: held', 'A: b']), ['HTTP/1.1 200 OK', 'A: b']);
  const head = parseResponseHead(
    'HTTP/1.1 101 X\r\nUpgrade: y\r\nTenement-Error: held\r\nConnection: Upgrade\r\n\r\n',
  );
  t.is(head && rewriteSwitching(head), 'HTTP/1.1 101 X\r\nUpgrade: y\r\nConnection: Upgrade\r\n\r\n');
});

test('426 says what is required', (t) => {
  t.deepEqual(sent(['Upgrade: tls'], {}, 'HTTP/1.1 426 No').slice(1), [
    'Upgrade: tls',
    'Connection: upgrade',
  ]);
});
