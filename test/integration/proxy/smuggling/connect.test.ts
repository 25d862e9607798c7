import test from 'ava';
import { type Attack, refuses, SMUGGLED } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: CONNECT makes a proxy an open relay into the machine's loopback, past every routing rule.

const bench = proxyBench(test);
const statuses = [400, 405, 501];

const attacks: Attack[] = [
  {
    name: 'to a name of ours',
    bytes: `CONNECT a.app.test:443 HTTP/1.1\r\nHost: a.app.test:443\r\n\r\n${SMUGGLED}`,
    statuses,
  },
  {
    name: 'to loopback',
    bytes: `CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n${SMUGGLED}`,
    statuses,
  },
  {
    name: 'with a path',
    bytes: `CONNECT /attack HTTP/1.1\r\nHost: a.app.test\r\n\r\n${SMUGGLED}`,
    statuses,
  },
  {
    name: 'with a body',
    bytes: `CONNECT a.app.test:443 HTTP/1.1\r\nHost: a.app.test\r\nContent-Length: 5\r\n\r\nhello${SMUGGLED}`,
    statuses,
  },
  {
    name: 'in HTTP/1.0 without Host',
    bytes: `CONNECT a.app.test:443 HTTP/1.0\r\n\r\n${SMUGGLED}`,
    statuses,
  },
  {
    name: 'with an upgrade',
    bytes: `CONNECT a.app.test:443 HTTP/1.1\r\nHost: a.app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${SMUGGLED}`,
    statuses,
  },
];

refuses(test, bench, attacks);
