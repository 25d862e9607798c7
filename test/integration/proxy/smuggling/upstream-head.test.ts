import test from 'ava';
import { type BadAnswer, distrusts } from '../../../helpers/bad-answers.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: a line end or control byte that an app lets into its header becomes a header field, or an answer, of the attacker's.

const bench = proxyBench(test);
const REST = 'Content-Length: 8\r\n\r\ninjected';
const line = (text: string): BadAnswer => ({
  name: `status line ${JSON.stringify(text)}`,
  bytes: `${text}\r\n${REST}`,
});
const field = (name: string, text: string): BadAnswer => ({
  name,
  bytes: `HTTP/1.1 200 OK\r\n${text}${REST}`,
});

const answers: BadAnswer[] = [
  ...['HTTP/1.1', 'HTTP/1.1 ', 'HTTP/1.1 20', 'HTTP/1.1 2000 OK', 'HTTP/1.1 2x0 OK', 'HTTP/1.1 099 X'].map(
    line,
  ),
  ...['HTTP/1.1 -20 OK', 'HTTP/1.1 +20 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1\t200 OK', 'HTTP/1.1 000 X'].map(
    line,
  ),
  ...['HTTP/2.0 200 OK', 'HTTP/0.9 200 OK', 'HTTP/1.2 200 OK', 'HTTP/1.10 200 OK', 'HTTP/1 200 OK'].map(line),
  ...['http/1.1 200 OK', 'HTTPS/1.1 200 OK', 'ICY 200 OK', 'RTSP/1.0 200 OK', ' HTTP/1.1 200 OK'].map(line),
  ...['HTTP/1.1 200 O\x00K', 'HTTP/1.1 200 O\x01K', 'HTTP/1.1 200OK', '200 OK', '+OK ready', '220 ftp'].map(
    line,
  ),
  ...['<html>', 'GET / HTTP/1.1', 'SSH-2.0-OpenSSH_9.2', '\x15\x03\x01\x00\x02\x02\x28'].map(line),
  { name: 'status 600 and more is no status', bytes: `HTTP/1.1 999 X\r\n${REST}`.replace('999', '1000') },
  { name: 'LF behind the status line', bytes: `HTTP/1.1 200 OK\n${REST}` },
  { name: 'CR behind the status line', bytes: `HTTP/1.1 200 OK\r${REST}` },
  { name: 'only LF', bytes: 'HTTP/1.1 200 OK\nContent-Length: 8\n\ninjected' },
  { name: 'LF at the end of the head', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\ninjected' },
  field('LF behind a field', 'X-A: 1\nSet-Cookie: injected=1\r\n'),
  field('CR behind a field', 'X-A: 1\rSet-Cookie: injected=1\r\n'),
  field('CR CR LF', 'X-A: 1\r\r\n'),
  field('NUL in a value', 'X-A: a\x00b\r\n'),
  field('a control byte in a value', 'X-A: a\x01b\r\n'),
  field('DEL in a value', 'X-A: a\x7fb\r\n'),
  field('NUL in a name', 'X\x00A: 1\r\n'),
  field('a space before the colon', 'X-A : 1\r\n'),
  field('a space before the colon of a length', 'Content-Length : 5\r\n'),
  field('a space inside a name', 'X A: 1\r\n'),
  field('an empty name', ': 1\r\n'),
  field('no colon', 'X-A\r\n'),
  field('a first line with white space', ' X-A: 1\r\n'),
  field('a folded coding', 'Transfer-Encoding:\r\n chunked\r\n'),
  field('a head of 100 KB', `X-A: ${'a'.repeat(100_000)}\r\n`),
  field('many fields', 'X-A: a\r\n'.repeat(13_000)),
  { name: 'an end without a byte', bytes: '', ends: true, method: 'POST' },
  { name: 'an end in the status line', bytes: 'HTTP/1.1 20', ends: true },
  { name: 'an end in the head', bytes: 'HTTP/1.1 200 OK\r\nX-A: inj', ends: true },
  { name: 'an end before the last line end', bytes: 'HTTP/1.1 200 OK\r\nX-A: injected\r\n\r', ends: true },
  {
    name: '101 without being asked',
    bytes: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: injected\r\n\r\ninjected',
  },
  {
    name: '101 for a POST',
    bytes: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: injected\r\n\r\ninjected',
    method: 'POST',
  },
  { name: '100 and an end', bytes: 'HTTP/1.1 100 Continue\r\n\r\n', ends: true, headPasses: true },
  {
    name: '103 with a body that it cannot have',
    bytes: 'HTTP/1.1 103 Early Hints\r\nContent-Length: 8\r\n\r\ninjected',
    headPasses: true,
  },
  {
    name: '100 with a coding that it cannot have',
    bytes: 'HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ninjected\r\n0\r\n\r\n',
    headPasses: true,
  },
];

distrusts(test, bench, answers);
