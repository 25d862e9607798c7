import test from 'ava';
import { type Case, conforms } from '../../../helpers/conformance.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// What passes unchanged, in its case and order, and what RFC 9110 7.6.1 and 9112 say must not pass.

const bench = proxyBench(test);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const OK_EXPECTED = {
  start: 'HTTP/1.1 200 OK',
  fields: ['Content-Length: 2'],
  framing: 'length',
  body: 'ok',
  kept: true,
} as const;

/** A GET with these lines beside Host; `passes` are those that reach the app. */
function request(
  name: string,
  lines: string[],
  passes: string[] = lines,
  target = '/x',
  asked = target,
): Case {
  return {
    name: `request: ${name}`,
    send: `GET ${asked} HTTP/1.1\r\n${HOST}${lines.map((line) => `${line}\r\n`).join('')}\r\n`,
    upstream: OK,
    expectUpstream: {
      start: `GET ${target} HTTP/1.1`,
      fields: ['Host: a.app.test', ...passes],
      framing: 'none',
    },
    expectClient: OK_EXPECTED,
  };
}

/** A 200 with these lines; `passes` are those that reach the client. */
function response(name: string, lines: string[], passes: string[] = lines, status = '200 OK'): Case {
  return {
    name: `response: ${name}`,
    send: `GET /x HTTP/1.1\r\n${HOST}\r\n`,
    upstream: `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}Content-Length: 2\r\n\r\nok`,
    expectUpstream: { start: 'GET /x HTTP/1.1', fields: ['Host: a.app.test'], framing: 'none' },
    expectClient: { ...OK_EXPECTED, start: `HTTP/1.1 ${status}`, fields: [...passes, 'Content-Length: 2'] },
  };
}

const target = (path: string, asked = path) => request(`target ${asked.slice(0, 60)}`, [], [], path, asked);

const cases: Case[] = [
  request('case and order', ['x-lower: 1', 'X-UPPER: 2', 'x-MiXeD: 3', 'Accept: */*', 'A: b']),
  request('the same name twice, apart', ['X-A: 1', 'X-B: 2', 'x-a: 3']),
  request('cookies in several fields', ['Cookie: a=1', 'Cookie: b=2']),
  request('an empty value', ['X-Empty:'], ['X-Empty: ']),
  request('blanks around a value', ['X-A:  \t a b \t '], ['X-A: a b']),
  request('no blank behind the colon', ['X-A:1'], ['X-A: 1']),
  request('blanks and tabs inside a value', ['X-A: a  b\tc']),
  request('bytes beyond ASCII', ['X-A: \xc3\xa4\xff\x80']),
  request('all characters of a name', ["!#$%&'*+-.^_`|~09azAZ: 1"]),
  request('all visible characters of a value', ['X-A: !"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~']),
  request('a colon in a value', ['X-A: a: b: c']),
  request('names that look like others', ['Contents-Length: 5', 'XTransfer-Encoding: chunked', 'Hostt: b']),
  request('Authorization', ['Authorization: Basic YTpi']),
  request('Range and conditions', ['Range: bytes=0-1,5-', 'If-None-Match: "a", W/"b"', 'If-Range: "a"']),
  request('Via and others of proxies', [
    'Via: 1.1 x',
    'CF-Connecting-IP: 192.0.2.1',
    'True-Client-IP: 192.0.2.1',
  ]),
  request('a long value', [`X-A: ${'a'.repeat(30_000)}`]),
  request(
    'many fields',
    Array.from({ length: 300 }, (_, i) => `X-${i}: ${i}`),
  ),
  request('Connection: close names nothing else', ['Connection: keep-alive', 'X-A: 1'], ['X-A: 1']),
  request('Keep-Alive', ['Connection: keep-alive', 'Keep-Alive: timeout=5'], []),
  request('Keep-Alive that nobody names', ['Keep-Alive: timeout=5', 'X-A: 1'], ['X-A: 1']),
  request('Proxy-Connection', ['Proxy-Connection: keep-alive', 'X-A: 1'], ['X-A: 1']),
  request('a field named by Connection', ['Connection: X-Hop', 'X-Hop: 1', 'X-A: 1'], ['X-A: 1']),
  request('named before and behind', ['X-Hop: 1', 'Connection: x-hop', 'X-HOP: 2', 'X-A: 1'], ['X-A: 1']),
  request('several named', ['Connection: X-One , keep-alive,X-Two', 'X-One: 1', 'X-Two: 2'], []),
  request(
    'several Connections',
    ['Connection: X-One', 'X-One: 1', 'Connection: X-Two', 'X-Two: 2', 'X-Three: 3'],
    ['X-Three: 3'],
  ),
  request('empty elements in Connection', ['Connection: , ,X-Hop,', 'X-Hop: 1'], []),
  request('TE: trailers', ['TE: trailers', 'Connection: TE'], ['TE: trailers']),
  request('TE with more', ['Connection: TE', 'TE: gzip;q=0.5'], []),
  request('an Upgrade that Connection does not name', ['Upgrade: websocket', 'X-A: 1'], ['X-A: 1']),
  request('h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'], []),
  // Attack: fields that carry identity or framing can't be stripped by naming them.
  request(
    'Authorization, Cookie and Host named by Connection',
    ['Connection: Authorization, Cookie, Host', 'Authorization: x', 'Cookie: y'],
    ['Authorization: x', 'Cookie: y'],
  ),
  request('X-Forwarded-For of a stranger', ['X-Forwarded-For: 192.0.2.1', 'X-A: 1'], ['X-A: 1']),
  request(
    'all forwarding fields of a stranger',
    [
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: b.app.test',
      'X-Forwarded-Port: 1',
      'Forwarded: for=192.0.2.1',
      'X-Request-Id: mine',
      'X-A: 1',
    ],
    ['X-A: 1'],
  ),
  request('forwarding fields with underscores', ['X_Forwarded_For: 192.0.2.1', 'X_Request_Id: mine'], []),
  request('X-Forwarded-For named by Connection', ['Connection: X-Forwarded-For, X-Request-Id'], []),
  target('/'),
  target('/?'),
  target('/a?b=c&d=%20%0d%0a'),
  target('//a//b/../c/./d'),
  target('/%2e%2e/%2F%00'),
  target('/a;b=c,d'),
  target('/a?b?c/d'),
  target('/a[0]{b}|^`"<>\\'),
  target('/http://b.app.test/'),
  target(`/${'a'.repeat(30_000)}`),
  target('/x', 'http://a.app.test/x'),
  target('/x', 'HTTP://A.App.Test:80/x'),
  target('/', 'http://a.app.test'),
  target('/?a=b', 'http://a.app.test?a=b'),
  {
    ...request('OPTIONS *', []),
    send: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
    expectUpstream: { start: 'OPTIONS * HTTP/1.1', fields: ['Host: a.app.test'], framing: 'none' },
  },
  ...['A.APP.TEST', 'a.app.test:80', 'a.app.test.', 'A.app.Test.:8080', 'a.app.test:'].map(
    (host): Case => ({
      ...request(`Host ${host}`, []),
      send: `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      expectUpstream: { start: 'GET /x HTTP/1.1', fields: [`Host: ${host}`], framing: 'none' },
    }),
  ),
  ...['OPTIONS', 'TRACE', 'PROPFIND', 'MKCOL', 'SEARCH', 'PURGE', 'REPORT', 'LOCK', 'M-SEARCH'].map(
    (method): Case => ({
      ...request(method, []),
      send: `${method} /x HTTP/1.1\r\n${HOST}\r\n`,
      expectUpstream: { start: `${method} /x HTTP/1.1`, fields: ['Host: a.app.test'], framing: 'none' },
    }),
  ),
  response('case and order', ['x-lower: 1', 'X-UPPER: 2', 'x-MiXeD: 3', 'Server: nginx']),
  response('two cookies', [
    'Set-Cookie: a=1; Path=/',
    'X-A: 1',
    'Set-Cookie: b=2; HttpOnly',
    'set-cookie: c=3',
  ]),
  response('the same name twice', ['Vary: Accept', 'Vary: Cookie', 'Link: <a>', 'Link: <b>']),
  response('its own Date', ['Date: Mon, 01 Jan 2024 00:00:00 GMT', 'X-A: 1']),
  response('an empty value', ['X-Empty:'], ['X-Empty: ']),
  response('blanks around a value', ['X-A:  \t a b \t '], ['X-A: a b']),
  response('bytes beyond ASCII', ['X-A: \xc3\xa4\xff\x80']),
  response(
    'many fields',
    Array.from({ length: 300 }, (_, i) => `X-${i}: ${i}`),
  ),
  response('a long value', [`Content-Security-Policy: ${'a'.repeat(30_000)}`]),
  response('Keep-Alive', ['Connection: keep-alive', 'Keep-Alive: timeout=5, max=1000', 'X-A: 1'], ['X-A: 1']),
  response('a field named by Connection', ['Connection: X-Hop', 'X-Hop: 1', 'X-A: 1'], ['X-A: 1']),
  response('Proxy-Connection', ['Proxy-Connection: keep-alive', 'X-A: 1'], ['X-A: 1']),
  response(
    'an Upgrade that nobody asked about',
    ['Connection: Upgrade', 'Upgrade: h2,h2c', 'X-A: 1'],
    ['X-A: 1'],
  ),
  response('our own mark', ['tenement-error: failed', 'X-A: 1'], ['X-A: 1']),
  response(
    'Set-Cookie and Content-Type named by Connection',
    ['Connection: Set-Cookie, Content-Type', 'Set-Cookie: a=1', 'Content-Type: text/plain'],
    ['Set-Cookie: a=1', 'Content-Type: text/plain'],
  ),
  response('an empty reason', ['X-A: 1'], ['X-A: 1'], '200 '),
  response('a reason of several words', [], [], '418 I am a teapot (really!)'),
  response('a reason beyond ASCII', [], [], '200 Sch\xf6n'),
  ...[
    '203 X',
    '206 Partial Content',
    '299 X',
    '301 Moved',
    '400 Bad',
    '401 Who',
    '413 Much',
    '500 Oh',
    '503 No',
  ].map((status) => response(`status ${status}`, ['X-A: 1'], ['X-A: 1'], status)),
  ...['451 L', '599 X'].map((status) => response(`status ${status}`, [], [], status)),
  { ...response('426', [], [], '426 Upgrade Required') },
];

conforms(test, bench, cases);
