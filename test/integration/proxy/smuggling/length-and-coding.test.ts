import test from 'ava';
import { type Attack, post, refuses, SMUGGLED } from '../../../helpers/attacks.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// Attack (CL.TE, TE.CL): the proxy reads one of the two, the app the other, and what is body for one is the next request for the other.

const bench = proxyBench(test);
const BODY = '0\r\n\r\n';

const attacks: Attack[] = [
  {
    name: 'length before coding',
    bytes: post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', BODY),
  },
  {
    name: 'coding before length',
    bytes: post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', BODY),
  },
  {
    name: 'a length of zero beside chunks',
    bytes: post('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', BODY),
  },
  {
    name: 'a length that covers the hidden request',
    bytes: post(`Content-Length: ${BODY.length + SMUGGLED.length}\r\nTransfer-Encoding: chunked\r\n`, BODY),
  },
  {
    name: 'names in odd case',
    bytes: post('cOnTeNt-LeNgTh: 5\r\ntRaNsFeR-eNcOdInG: ChUnKeD\r\n', BODY),
  },
  {
    name: 'other fields between the two',
    bytes: post('Content-Length: 5\r\nX-A: 1\r\nX-B: 2\r\nTransfer-Encoding: chunked\r\n', BODY),
  },
  {
    name: 'a length beside a coding that is none',
    bytes: post('Content-Length: 5\r\nTransfer-Encoding: identity\r\n', 'hello'),
    statuses: [400, 501],
  },
  {
    name: 'a length beside an empty coding',
    bytes: post('Content-Length: 5\r\nTransfer-Encoding:\r\n', 'hello'),
    statuses: [400, 501],
  },
  {
    name: 'the coding named by Connection, as if that took it away',
    bytes: post('Connection: Transfer-Encoding\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n', BODY),
  },
  {
    name: 'the length named by Connection, as if that took it away',
    bytes: post('Connection: Content-Length\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n', BODY),
  },
  {
    name: 'both on a GET',
    bytes: `GET /attack HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}${SMUGGLED}`,
  },
  {
    name: 'both in HTTP/1.0',
    bytes: `POST /attack HTTP/1.0\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}${SMUGGLED}`,
  },
];

refuses(test, bench, attacks);
