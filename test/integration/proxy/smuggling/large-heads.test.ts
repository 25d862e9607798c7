import test from 'ava';
import { type Attack, get, refuses } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: heads without end fill the memory, one connection after the other.

const bench = proxyBench(test);

const statuses = [431];
const target = (length: number) => `GET /${'a'.repeat(length)} HTTP/1.1\r\nHost: a.app.test\r\n\r\n`;

const attacks: Attack[] = [
  { name: 'one value of 70 KB', bytes: get(`X-A: ${'a'.repeat(70_000)}\r\n`), statuses },
  { name: 'one name of 70 KB', bytes: get(`${'a'.repeat(70_000)}: 1\r\n`), statuses },
  { name: 'many fields', bytes: get('X-A: aaaaaaaaaa\r\n'.repeat(5000)), statuses },
  { name: 'many of the smallest fields', bytes: get('a:\r\n'.repeat(20_000)), statuses },
  { name: 'a target of 70 KB', bytes: target(70_000), statuses: [414, 431] },
  { name: 'a megabyte', bytes: get(`X-A: ${'a'.repeat(1_000_000)}\r\n`), statuses },
  { name: 'cookies', bytes: get(`Cookie: a=${'b'.repeat(4000)}\r\n`.repeat(20)), statuses },
];

refuses(test, bench, attacks);
