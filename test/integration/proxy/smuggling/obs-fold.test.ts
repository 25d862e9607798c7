import test from 'ava';
import { type Attack, get, post, refuses, SMUGGLED } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: a line that begins with white space continues the one before for some programs and is a field of its own, or nothing, for others.

const bench = proxyBench(test);

const attacks: Attack[] = [
  { name: 'a space', bytes: get('X-A: 1\r\n more\r\n') },
  { name: 'a tab', bytes: get('X-A: 1\r\n\tmore\r\n') },
  { name: 'a folded empty value', bytes: get('X-A:\r\n 1\r\n') },
  { name: 'a folded coding', bytes: post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n') },
  {
    name: 'a coding folded into another field',
    bytes: post('X-A: 1\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
  },
  { name: 'a folded length', bytes: post('Content-Length: 5\r\n 0\r\n', 'hello') },
  {
    name: 'a first line with white space',
    bytes: `GET /attack HTTP/1.1\r\n X-A: 1\r\nHost: a.app.test\r\n\r\n${SMUGGLED}`,
  },
  {
    name: 'a first line of white space only',
    bytes: 'GET /attack HTTP/1.1\r\n \r\nHost: a.app.test\r\n\r\n',
  },
  { name: 'a folded Host', bytes: 'GET /attack HTTP/1.1\r\nHost:\r\n a.app.test\r\n\r\n' },
  { name: 'a Host with a second one folded in', bytes: get(' b.app.test\r\n') },
  { name: 'a line of white space only', bytes: get('X-A: 1\r\n \r\n') },
  { name: 'a tab alone at the end of the head', bytes: get('X-A: 1\r\n\t\r\n') },
];

refuses(test, bench, attacks);
