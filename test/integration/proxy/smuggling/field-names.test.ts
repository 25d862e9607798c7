import test from 'ava';
import { type Attack, get, post, refuses } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: programs that strip or keep white space and odd characters in a name see a Content-Length or Transfer-Encoding where others see none.

const bench = proxyBench(test);

const attacks: Attack[] = [
  { name: 'a space before the colon', bytes: get('X-A : 1\r\n') },
  { name: 'a tab before the colon', bytes: get('X-A\t: 1\r\n') },
  { name: 'a space before the colon of a length', bytes: post('Content-Length : 5\r\n', 'hello') },
  {
    name: 'a space before the colon of a coding',
    bytes: post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'),
  },
  { name: 'a space before the colon of Host', bytes: 'GET / HTTP/1.1\r\nHost : a.app.test\r\n\r\n' },
  { name: 'a space inside', bytes: get('X A: 1\r\n') },
  { name: 'a length with a space inside', bytes: post('Content Length: 5\r\n', 'hello') },
  { name: 'an empty name', bytes: get(': 1\r\n') },
  { name: 'an empty name and value', bytes: get(':\r\n') },
  { name: 'no colon', bytes: get('X-A\r\n') },
  { name: 'a coding without colon', bytes: post('Transfer-Encoding chunked\r\n', '0\r\n\r\n') },
  { name: 'a no-break space at the end', bytes: post('Content-Length\xa0: 5\r\n', 'hello') },
  { name: 'a letter beyond ASCII', bytes: get('X-\xe4: 1\r\n') },
  { name: 'UTF-8 that looks like a hyphen', bytes: post('Content\xe2\x80\x90Length: 5\r\n', 'hello') },
  { name: 'a byte order mark', bytes: get('\xef\xbb\xbfX-A: 1\r\n') },
  ...[...'()<>@,;\\"/[]?={}'].map((char) => ({ name: `${char} inside`, bytes: get(`X${char}A: 1\r\n`) })),
];

refuses(test, bench, attacks);
