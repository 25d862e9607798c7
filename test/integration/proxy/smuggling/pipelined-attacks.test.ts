import test from 'ava';
import { type Attack, chunks, get, post, refusesPipelined } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: an error page that overtakes the answer to an earlier request is taken for that answer, and a cache keeps it.

const bench = proxyBench(test);

const attacks: Attack[] = [
  { name: 'no HTTP', bytes: 'hello\r\n\r\n' },
  { name: 'no Host', bytes: 'GET /attack HTTP/1.1\r\n\r\n' },
  { name: 'two Hosts', bytes: get('Host: b.app.test\r\n') },
  { name: 'a NUL', bytes: get('X-A: \x00\r\n') },
  { name: 'a bare LF', bytes: get('X-A: 1\nX-B: 2\r\n') },
  { name: 'a folded line', bytes: get('X-A: 1\r\n 2\r\n') },
  { name: 'a space before the colon', bytes: get('X-A : 1\r\n') },
  { name: 'two lengths', bytes: post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello') },
  {
    name: 'length and coding',
    bytes: post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  },
  { name: 'a bad coding', bytes: post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), statuses: [400, 501] },
  { name: 'a bad chunk size', bytes: chunks('+5\r\nhello\r\n0\r\n\r\n'), headPasses: true },
  { name: 'a bad chunk end', bytes: chunks('5\r\nhelloXX\r\n0\r\n\r\n'), headPasses: true },
  {
    name: 'CONNECT',
    bytes: 'CONNECT a.app.test:443 HTTP/1.1\r\nHost: a.app.test:443\r\n\r\n',
    statuses: [400, 405, 501],
  },
  { name: 'a head of 70 KB', bytes: get(`X-A: ${'a'.repeat(70_000)}\r\n`), statuses: [431] },
];

refusesPipelined(test, bench, attacks);
