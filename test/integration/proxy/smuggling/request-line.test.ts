import test from 'ava';
import { type Attack, refuses, SMUGGLED } from '../../../helpers/attacks.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: a request line that programs cut differently asks one of them for another method, path or protocol than the other.

const bench = proxyBench(test);
const line = (text: string) => `${text}\r\n${HOST}\r\n${SMUGGLED}`;
const version = (text: string): Attack => ({
  name: `version ${JSON.stringify(text)}`,
  bytes: line(`GET /attack ${text}`),
  statuses: [400, 505],
});

const attacks: Attack[] = [
  ...['HTTP/0.9', 'HTTP/1.2', 'HTTP/1.9', 'HTTP/2.0', 'HTTP/2', 'HTTP/3.0', 'HTTP/9.9'].map(version),
  ...['http/1.1', 'Http/1.1', 'HTTP/1.', 'HTTP/.1', 'HTTP/1', 'HTTP/', 'HTTP'].map(version),
  ...['HTTP/1.10', 'HTTP/11.1', 'HTTP/01.1', 'HTTP/1.01', 'HTTP/1,1', 'HTTP/1.1.1', 'HTTP/1.1x'].map(version),
  ...['HTTP /1.1', 'HTTP/ 1.1', 'HTTP/1 .1', 'HTTP/+1.1', 'HTTP/-1.1', 'HTTP/1.a'].map(version),
  ...['HTTPS/1.1', 'ICY/1.1', 'RTSP/1.0', 'SIP/2.0', 'XTTP/1.1', 'HTTP\\1.1'].map(version),
  { name: 'no version (HTTP/0.9)', bytes: line('GET /attack') },
  { name: 'no version but a space', bytes: line('GET /attack ') },
  { name: 'no target', bytes: line('GET HTTP/1.1') },
  { name: 'an empty target', bytes: line('GET  HTTP/1.1') },
  { name: 'a method alone', bytes: line('GET') },
  { name: 'two spaces behind the method', bytes: line('GET  /attack HTTP/1.1') },
  { name: 'two spaces before the version', bytes: line('GET /attack  HTTP/1.1') },
  { name: 'a space behind the version', bytes: line('GET /attack HTTP/1.1 ') },
  { name: 'a space before the method', bytes: line(' GET /attack HTTP/1.1') },
  { name: 'a tab before the method', bytes: line('\tGET /attack HTTP/1.1') },
  { name: 'a tab behind the method', bytes: line('GET\t/attack HTTP/1.1') },
  { name: 'a tab before the version', bytes: line('GET /attack\tHTTP/1.1') },
  { name: 'a space in the target', bytes: line('GET /att ack HTTP/1.1') },
  { name: 'a version in the target', bytes: line('GET /attack HTTP/1.1 HTTP/1.1') },
  { name: 'an empty method', bytes: line(' /attack HTTP/1.1') },
  { name: 'a method with a colon', bytes: line('GET: /attack HTTP/1.1') },
  { name: 'a method with an @', bytes: line('G@T /attack HTTP/1.1') },
  { name: 'a method with a slash', bytes: line('GET/ /attack HTTP/1.1') },
  { name: 'a method with brackets', bytes: line('G[E]T /attack HTTP/1.1') },
  { name: 'a method beyond ASCII', bytes: line('G\xc9T /attack HTTP/1.1') },
  {
    name: 'a method of 100 KiB',
    bytes: line(`${'A'.repeat(102_400)} / HTTP/1.1`),
    statuses: [400, 431, 501],
  },
  { name: 'a target without slash', bytes: line('GET attack HTTP/1.1') },
  { name: 'a target that begins with ..', bytes: line('GET ../attack HTTP/1.1') },
  { name: 'a target that is a query', bytes: line('GET ?attack HTTP/1.1') },
  { name: 'a fragment', bytes: line('GET /attack#x HTTP/1.1') },
  { name: '* for another method than OPTIONS', bytes: line('GET * HTTP/1.1') },
  { name: 'the HTTP/2 preface', bytes: `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${SMUGGLED}`, statuses: [400, 505] },
  { name: 'a TLS ClientHello', bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n' },
  { name: 'an SSH greeting', bytes: 'SSH-2.0-OpenSSH_9.2\r\n\r\n' },
  { name: 'a response', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'a PROXY line that nobody configured', bytes: `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${SMUGGLED}` },
  { name: 'only a field', bytes: `${HOST}\r\n` },
];

refuses(test, bench, attacks);
