import test from 'ava';
import { type Attack, post, refuses } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: two programs that read a malformed or repeated length differently disagree about where the next request begins.

const bench = proxyBench(test);

const length = (value: string, body = 'hello') => post(`Content-Length:${value}\r\n`, body);

const attacks: Attack[] = [
  { name: 'two different lengths', bytes: post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello') },
  { name: 'the same length twice', bytes: post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello') },
  {
    name: 'the second length first and far away',
    bytes: post(`Content-Length: 0\r\n${'X-Pad: 1\r\n'.repeat(50)}Content-Length: 5\r\n`, 'hello'),
  },
  {
    name: 'two lengths in different case',
    bytes: post('content-length: 5\r\nCONTENT-LENGTH: 0\r\n', 'hello'),
  },
  { name: 'a list of one length', bytes: length(' 5, 5') },
  { name: 'a list of different lengths', bytes: length(' 5, 0') },
  { name: 'a list with an empty element', bytes: length(' 5,') },
  { name: 'a list that begins empty', bytes: length(' ,5') },
  { name: 'a plus sign', bytes: length(' +5') },
  { name: 'a minus sign', bytes: length(' -5') },
  { name: 'minus zero', bytes: length(' -0', '') },
  { name: 'hex', bytes: length(' 0x5') },
  { name: 'hex digits', bytes: length(' a', 'helloworld') },
  { name: 'octal', bytes: length(' 0o5') },
  { name: 'an exponent', bytes: length(' 5e0') },
  { name: 'a fraction', bytes: length(' 5.0') },
  { name: 'an underscore', bytes: length(' 1_0', 'helloworld') },
  { name: 'a digit and a letter', bytes: length(' 5a') },
  { name: 'a space inside', bytes: length(' 1 0', 'helloworld') },
  { name: 'a tab inside', bytes: length(' 1\t0', 'helloworld') },
  { name: 'a parameter', bytes: length(' 5;x=1') },
  { name: 'quotes', bytes: length(' "5"') },
  { name: 'empty', bytes: length('', '') },
  { name: 'spaces only', bytes: length('   ', '') },
  { name: 'a word', bytes: length(' five') },
  { name: 'NaN', bytes: length(' NaN', '') },
  { name: 'Infinity', bytes: length(' Infinity', '') },
  { name: 'a vertical tab before it', bytes: length(' \x0b5') },
  { name: 'a form feed behind it', bytes: length(' 5\x0c') },
  { name: 'a NUL behind it', bytes: length(' 5\x00') },
  { name: 'a no-break space before it', bytes: length(' \xa05') },
  { name: 'a digit of another script', bytes: length(' \xd9\xa5') },
  // 2^64 + 5, which is 5 for those who let it wrap.
  { name: 'more than 64 bits', bytes: length(' 18446744073709551621') },
  { name: '64 bits', bytes: length(' 18446744073709551616', ''), statuses: [400, 413] },
  // 2^53 + 1, which a double can't hold.
  { name: 'more than a double can hold', bytes: length(' 9007199254740993', ''), statuses: [400, 413] },
  { name: '400 digits', bytes: length(` 1${'0'.repeat(400)}`, ''), statuses: [400, 413] },
];

refuses(test, bench, attacks);
