import test from 'ava';
import { type BadAnswer, distrusts } from '../../../helpers/bad-answers.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack (response splitting): an app that can be made to write an odd length or coding would put a second answer of the attacker's
// choice where the next visitor's belongs.

const bench = proxyBench(test);
const INJECTED = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ninjected';
const fields = (name: string, lines: string, body = 'hello'): BadAnswer => ({
  name,
  bytes: `HTTP/1.1 200 OK\r\n${lines}\r\n${body}${INJECTED}`,
});
const coding = (value: string) =>
  fields(`coding ${JSON.stringify(value)}`, `Transfer-Encoding: ${value}\r\n`, '5\r\nhello\r\n0\r\n\r\n');
const chunks = (name: string, body: string): BadAnswer => ({
  name,
  bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
  headPasses: true,
});

const answers: BadAnswer[] = [
  fields('length and coding', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  fields('coding and length', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
  fields('two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n'),
  fields('the same length twice', 'Content-Length: 5\r\nContent-Length: 5\r\n'),
  ...['+5', '-5', '0x5', '5, 5', '5,6', '5a', '', ' ', '5 5', '5.0', '5e0', 'five', '"5"', '1_0'].map(
    (value) => fields(`length ${JSON.stringify(value)}`, `Content-Length: ${value}\r\n`),
  ),
  fields('length 2^64 + 5', 'Content-Length: 18446744073709551621\r\n'),
  fields('length of 400 digits', `Content-Length: 1${'0'.repeat(400)}\r\n`),
  ...['xchunked', 'identity', 'gzip', 'gzip, chunked', 'chunked, identity', 'chunked, chunked'].map(coding),
  ...['chunked;q=1', '"chunked"', '', 'chunked\x0b', 'chunked,', ', chunked'].map(coding),
  fields('two codings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  fields(
    'two codings, one none',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
    '0\r\n\r\n',
  ),
  {
    name: 'a coding in HTTP/1.0',
    bytes: `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${INJECTED}`,
  },
  chunks('a plus sign in the size', '+5\r\nhello\r\n0\r\n\r\n'),
  chunks('a minus sign in the size', '-5\r\nhello\r\n0\r\n\r\n'),
  chunks('0x in the size', '0x5\r\nhello\r\n0\r\n\r\n'),
  chunks('a space before the size', ' 5\r\nhello\r\n0\r\n\r\n'),
  chunks('an empty size', '\r\nhello\r\n0\r\n\r\n'),
  chunks('size 2^64 + 5', '10000000000000005\r\nhello\r\n0\r\n\r\n'),
  chunks('size 2^53 + 5', '20000000000005\r\nhello\r\n0\r\n\r\n'),
  chunks('LF behind a size', '5\nhello\r\n0\r\n\r\n'),
  chunks('LF behind a chunk', '5\r\nhello\n0\r\n\r\n'),
  chunks('LF at the end', '5\r\nhello\r\n0\r\n\n'),
  chunks('a chunk longer than its size', '5\r\nhelloX\r\n0\r\n\r\n'),
  chunks('an extension of 100 KiB', `5;${'a'.repeat(102_400)}\r\nhello\r\n0\r\n\r\n`),
  chunks('a trailer without colon', '5\r\nhello\r\n0\r\nX-A\r\n\r\n'),
  chunks('a trailer with a NUL', '5\r\nhello\r\n0\r\nX-A: \x00\r\n\r\n'),
  chunks('a response for a trailer', '5\r\nhello\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n'),
  chunks('trailers of 100 KiB', `5\r\nhello\r\n0\r\n${'X-A: a\r\n'.repeat(13_000)}\r\n`),
  { ...chunks('an end in the middle of a chunk', '5\r\nhel'), ends: true },
  { ...chunks('an end behind a chunk', '5\r\nhello\r\n'), ends: true },
  { ...chunks('an end in the trailers', '5\r\nhello\r\n0\r\nX-A: 1\r\n'), ends: true },
  { ...chunks('an end before the last line end', '5\r\nhello\r\n0\r\n\r'), ends: true },
  {
    name: 'an end before the length',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello',
    ends: true,
    headPasses: true,
  },
];

distrusts(test, bench, answers);
