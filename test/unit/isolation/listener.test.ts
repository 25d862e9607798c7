import test from 'ava';
import { listeningInodes } from '../../../isolation/listener.js';

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (address: string, state: string, inode: string): string =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0`;

test('only sockets that listen on the port count', (t) => {
  const table = [
    head,
    row('0100007F:7530', '0A', '11'),
    row('0100007F:7530', '01', '12'),
    row('0100007F:7531', '0A', '13'),
  ];
  t.deepEqual(listeningInodes(table.join('\n'), 0x7530), ['11']);
});

test('every address counts at which a connection to loopback arrives, and no other', (t) => {
  const reached = [
    '00000000',
    '00000000000000000000000000000000',
    '00000000000000000000000001000000',
    '0000000000000000FFFF00000100007F',
  ];
  for (const address of reached) {
    t.deepEqual(listeningInodes(row(`${address}:0050`, '0A', '7'), 80), ['7'], address);
  }
  t.deepEqual(listeningInodes(row('0200000A:0050', '0A', '7'), 80), []);
});

test('several sockets on one port (SO_REUSEPORT) are all reported', (t) => {
  const table = [row('0100007F:0050', '0A', '1'), row('0100007F:0050', '0A', '2')].join('\n');
  t.deepEqual(listeningInodes(table, 80), ['1', '2']);
});
