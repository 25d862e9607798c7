import test from 'ava';
import { type Attack, chunks, get, post, refuses, SMUGGLED } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: a bare LF or CR ends the line for one program and is a part of it for the next, so that a field or a whole request hides in a value.

const bench = proxyBench(test);

const H = 'Host: a.app.test';

const attacks: Attack[] = [
  { name: 'LF behind the request line', bytes: `GET /attack HTTP/1.1\n${H}\r\n\r\n` },
  { name: 'CR behind the request line', bytes: `GET /attack HTTP/1.1\r${H}\r\n\r\n` },
  { name: 'LF behind a field', bytes: get('X-A: 1\nX-B: 2\r\n') },
  { name: 'CR behind a field', bytes: get('X-A: 1\rX-B: 2\r\n') },
  { name: 'LF at the end of the head', bytes: `GET /attack HTTP/1.1\r\n${H}\r\n\n` },
  { name: 'two LF at the end of the head', bytes: `GET /attack HTTP/1.1\r\n${H}\n\n` },
  { name: 'LF CR LF at the end of the head', bytes: `GET /attack HTTP/1.1\r\n${H}\n\r\n` },
  { name: 'CR CR LF at the end of the head', bytes: `GET /attack HTTP/1.1\r\n${H}\r\n\r\r\n` },
  { name: 'only LF', bytes: `GET /attack HTTP/1.1\n${H}\n\n` },
  { name: 'only CR', bytes: `GET /attack HTTP/1.1\r${H}\r\r\n\r\n` },
  { name: 'CR CR LF behind a field', bytes: get('X-A: 1\r\r\n') },
  { name: 'a coding behind LF', bytes: post('X-A: 1\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n') },
  { name: 'a coding behind CR', bytes: post('X-A: 1\rTransfer-Encoding: chunked\r\n', '0\r\n\r\n') },
  { name: 'a length behind LF', bytes: post('X-A: 1\nContent-Length: 5\r\n', 'hello') },
  { name: 'LF in the coding', bytes: post('Transfer-Encoding: chunked\n\r\n', '0\r\n\r\n') },
  { name: 'a CR that begins the value', bytes: get('X-A: \r1\r\n') },
  { name: 'a CR in a name', bytes: get('X\r-A: 1\r\n') },
  { name: 'a LF in a name', bytes: get('X\n-A: 1\r\n') },
  { name: 'a CR in the target', bytes: `GET /att\rack HTTP/1.1\r\n${H}\r\n\r\n` },
  { name: 'a LF in the target', bytes: `GET /att\nack HTTP/1.1\r\n${H}\r\n\r\n` },
  { name: 'a request behind LF LF in a value', bytes: get(`X-A: 1\n\n${SMUGGLED.replaceAll('\r', '')}\r\n`) },
  { name: 'LF behind a chunk size', bytes: chunks('5\nhello\r\n0\r\n\r\n'), headPasses: true },
  { name: 'CR behind a chunk size', bytes: chunks('5\rhello\r\n0\r\n\r\n'), headPasses: true },
  { name: 'LF behind a chunk', bytes: chunks('5\r\nhello\n0\r\n\r\n'), headPasses: true },
  { name: 'CR behind a chunk', bytes: chunks('5\r\nhello\r0\r\n\r\n'), headPasses: true },
  { name: 'LF behind the last chunk size', bytes: chunks('5\r\nhello\r\n0\n\r\n'), headPasses: true },
  { name: 'LF at the end of the chunks', bytes: chunks('5\r\nhello\r\n0\r\n\n'), headPasses: true },
  { name: 'only LF in the chunks', bytes: chunks('5\nhello\n0\n\n'), headPasses: true },
  { name: 'LF in a chunk extension', bytes: chunks('5;a\nb\r\nhello\r\n0\r\n\r\n'), headPasses: true },
  { name: 'CR in a chunk extension', bytes: chunks('5;a\rb\r\nhello\r\n0\r\n\r\n'), headPasses: true },
  { name: 'CR CR LF behind a chunk size', bytes: chunks('5\r\r\nhello\r\n0\r\n\r\n'), headPasses: true },
  { name: 'LF behind a trailer', bytes: chunks('0\r\nX-A: 1\n\r\n'), headPasses: true },
  { name: 'CR behind a trailer', bytes: chunks('0\r\nX-A: 1\rX-B: 2\r\n\r\n'), headPasses: true },
  { name: 'LF at the end of the trailers', bytes: chunks('0\r\nX-A: 1\r\n\n'), headPasses: true },
];

refuses(test, bench, attacks);
