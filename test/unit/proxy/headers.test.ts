import test from 'ava';
import {
  framingOf,
  pairs,
  requestHeaders,
  responseHeaders,
  trailerFields,
} from '../../../src/proxy/headers.js';

const context = {
  method: 'GET',
  httpVersion: '1.1',
  framing: 'none',
  upgrade: false,
  peerAddress: '192.0.2.7',
  secure: false,
  rawHost: 'a.app.test',
  requestId: 'id1',
  trusted: false,
} as const;

function sent(raw: string[], more: Partial<Parameters<typeof requestHeaders>[1]> = {}): string[] {
  return [...pairs(requestHeaders(raw, { ...context, ...more }))].map(([name, value]) => `${name}: ${value}`);
}

const OURS = [
  'X-Forwarded-For: 192.0.2.7',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Host: a.app.test',
  'X-Request-Id: id1',
];

test('order, case and repetitions stay', (t) => {
  t.deepEqual(sent(['hOsT', 'a.app.test', 'Z', '1', 'a', '2', 'Z', '3', 'Authorization', 'Bearer x']), [
    'hOsT: a.app.test',
    'Z: 1',
    'a: 2',
    'Z: 3',
    'Authorization: Bearer x',
    ...OURS,
    'Connection: close',
  ]);
});

test('hop-by-hop fields and those that Connection names go', (t) => {
  const raw = [
    'Connection',
    'keep-alive, X-Secret',
    'X-Secret',
    '1',
    'Keep-Alive',
    'x',
    'Proxy-Connection',
    'x',
  ];
  t.deepEqual(sent([...raw, 'Upgrade', 'h2c', 'TE', 'gzip', 'Transfer-Encoding', 'chunked']), [
    ...OURS,
    'Connection: close',
  ]);
});

// Attack: Connection names an end-to-end field, so that the app sees a request without it.
test('Connection cannot strip Host, Authorization, Cookie or what we set', (t) => {
  const raw = ['Host', 'a.app.test', 'Authorization', 'x', 'Cookie', 'c=1'];
  const attack = ['Connection', 'host, authorization, cookie, x-forwarded-for, x-request-id'];
  t.deepEqual(sent([...attack, ...raw]), [
    'Host: a.app.test',
    'Authorization: x',
    'Cookie: c=1',
    ...OURS,
    'Connection: close',
  ]);
});

// Attack: a client says whom it is; with "_" an app that maps header names to variables can't tell it from ours.
test('forwarding fields of a stranger go, in any spelling', (t) => {
  const raw = ['X-Forwarded-For', '1.1.1.1', 'x_forwarded_for', '1.1.1.1', 'X-Forwarded_Proto', 'https'];
  const more = [
    'X-Forwarded-Port',
    '1',
    'Forwarded',
    'for=1.1.1.1',
    'X-Request-Id',
    'mine',
    'X_REQUEST_ID',
    'mine',
  ];
  t.deepEqual(sent([...raw, ...more]), [...OURS, 'Connection: close']);
});

test('those of a trusted proxy are continued', (t) => {
  const raw = ['X-Forwarded-For', '1.1.1.1', 'X-Forwarded-For', '2.2.2.2', 'X-Forwarded-Proto', 'https'];
  t.deepEqual(
    sent([...raw, 'X-Forwarded-Host', 'h', 'X-Forwarded-Port', '443', 'X_Forwarded_For', 'no'], {
      trusted: true,
    }),
    [
      'X-Forwarded-For: 1.1.1.1, 2.2.2.2, 192.0.2.7',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: h',
      'X-Request-Id: id1',
      'x-forwarded-port: 443',
      'Connection: close',
    ],
  );
});

test('TE: trailers, framing and Expect', (t) => {
  t.deepEqual(sent(['TE', 'gzip, trailers']).slice(-2), ['TE: trailers', 'Connection: close, TE']);
  t.true(
    sent(['Transfer-Encoding', 'chunked'], { framing: 'chunked' }).includes('Transfer-Encoding: chunked'),
  );
  t.true(sent([], { method: 'POST' }).includes('Content-Length: 0'));
  t.true(sent(['Expect', '100-continue']).includes('Expect: 100-continue'));
  t.false(sent(['Expect', '100-continue'], { httpVersion: '1.0' }).includes('Expect: 100-continue'));
});

test('an upgrade keeps Upgrade', (t) => {
  const lines = sent(['Connection', 'keep-alive, Upgrade', 'Upgrade', 'websocket'], { upgrade: true });
  t.deepEqual(lines, ['Upgrade: websocket', ...OURS, 'Connection: Upgrade']);
});

test('answers: hop-by-hop fields go, repetitions stay', (t) => {
  const raw = [
    'Set-Cookie',
    'a',
    'Connection',
    'close, X-Hop',
    'X-Hop',
    '1',
    'Set-Cookie',
    'b',
    'Transfer-Encoding',
    'chunked',
  ];
  const answer = responseHeaders([...raw, 'Trailer', 'X-T'], { status: 200, chunked: true });
  t.deepEqual(answer, ['Set-Cookie', 'a', 'Set-Cookie', 'b', 'Trailer', 'X-T']);
  t.deepEqual(
    responseHeaders(['Trailer', 'X-T', 'Content-Length', '0'], { status: 204, chunked: false }),
    [],
  );
  t.deepEqual(responseHeaders(['Upgrade', 'tls'], { status: 426, chunked: true }), ['Upgrade', 'tls']);
});

// Attack: an app passes its own failure off as the server's.
test('an app cannot send tenement-error', (t) => {
  t.deepEqual(responseHeaders(['Tenement-Error', 'held', 'A', 'b'], { status: 503, chunked: true }), [
    'A',
    'b',
  ]);
});

// Attack: trailers that an app merges into its header section.
test('trailers cannot carry framing, identity or forwarding fields', (t) => {
  const raw = [
    'X-Sum',
    '1',
    'Content-Length',
    '3',
    'Authorization',
    'x',
    'X-Forwarded-For',
    'y',
    'Host',
    'z',
  ];
  t.deepEqual(trailerFields(raw), [['X-Sum', '1']]);
});

test('framing', (t) => {
  t.is(framingOf([]), 'none');
  t.is(framingOf(['Content-Length', '0']), 'none');
  t.is(framingOf(['Content-Length', '1']), 'length');
  t.is(framingOf(['transfer-encoding', ' Chunked ']), 'chunked');
  t.is(framingOf(['Transfer-Encoding', 'gzip, chunked']), undefined);
});
