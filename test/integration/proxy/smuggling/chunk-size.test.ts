import test from 'ava';
import { type Attack, chunks, refuses } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: a size that overflows, or that programs read to a different character, moves the end of the body, and what is behind it becomes a request.

const bench = proxyBench(test);

const HELLO = 'hello\r\n0\r\n\r\n';
const size = (name: string, line: string): Attack => ({
  name,
  bytes: chunks(`${line}\r\n${HELLO}`),
  headPasses: true,
});
const body = (name: string, bytes: string): Attack => ({ name, bytes: chunks(bytes), headPasses: true });

const attacks: Attack[] = [
  size('a plus sign', '+5'),
  size('a minus sign', '-5'),
  size('0x', '0x5'),
  size('0X', '0X5'),
  size('x', 'x5'),
  size('an h at the end', '5h'),
  size('a space before it', ' 5'),
  size('a tab before it', '\t5'),
  size('a space behind it', '5 '),
  size('a tab behind it', '5\t'),
  size('a space inside', '0 5'),
  size('a letter that is no hex', 'g'),
  size('an underscore', '0_5'),
  size('a dot', '5.0'),
  size('a comma', '5,5'),
  size('quotes', '"5"'),
  size('empty', ''),
  size('an extension without size', ';a=b'),
  size('a NUL', '5\x00'),
  size('a vertical tab', '\x0b5'),
  size('a digit of another script', '\xd9\xa5'),
  // 2^64 + 5, 2^63 + 5, 2^53 + 5: 5 for those who let it wrap or round.
  size('2^64 + 5', '10000000000000005'),
  size('2^63 + 5', '8000000000000005'),
  size('2^64 - 1', 'ffffffffffffffff'),
  size('2^53 + 5', '20000000000005'),
  size('2^128 + 5', '100000000000000000000000000000005'),
  size('1000 digits', 'f'.repeat(1000)),
  size('100,000 zeros', `${'0'.repeat(100_000)}5`),
  size('an extension of 100 KiB', `5;${'a'.repeat(102_400)}`),
  size('an extension with a control byte', '5;a=\x01'),
  size('an extension with a NUL', '5;a=\x00b'),
  size('a space and words', '5 hello'),
  body('no CRLF behind a chunk', '5\r\nhello0\r\n\r\n'),
  body('a byte more than the size', '5\r\nhellox\r\n0\r\n\r\n'),
  body('a byte less than the size', '6\r\nhello\r\n0\r\n\r\n'),
  body('two bytes that are not CRLF', '5\r\nhelloXX0\r\n\r\n'),
  body('a negative last chunk', '5\r\nhello\r\n-0\r\n\r\n'),
  body('a signed last chunk', '5\r\nhello\r\n+0\r\n\r\n'),
  body('a last chunk with a space', '5\r\nhello\r\n0 \r\n\r\n'),
  body('a last chunk 0x0', '5\r\nhello\r\n0x0\r\n\r\n'),
  body('an empty line between chunks', '5\r\nhello\r\n\r\n0\r\n\r\n'),
  body('a body that is no chunk', 'hello world\r\n'),
];

refuses(test, bench, attacks);
