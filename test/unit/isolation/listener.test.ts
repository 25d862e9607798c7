import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import test from 'ava';
import {
  allListening,
  innerListenerOf,
  listeningInodes,
  listeningSockets,
} from '../../../isolation/listener.js';

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

test('whose sockets listen, at whatever address, and no heads, connections or broken lines', (t) => {
  const of = (uid: number, text: string) => text.replace(/00000000 {5}0 /, `00000000 ${uid} `);
  const table = [
    head,
    of(1_900_000_001, row('0100007F:7530', '0A', '1')),
    of(33, row('0200000A:7531', '0A', '2')),
    of(34, row('0100007F:7532', '01', '3')),
    '   3: 0100007F',
    '',
  ];
  t.deepEqual(listeningSockets(table.join('\n')), [
    { port: 0x7530, uid: 1_900_000_001 },
    { port: 0x7531, uid: 33 },
  ]);
});

test('what this process listens on is found with its uid', async (t) => {
  if (process.platform !== 'linux') {
    t.log('skipped: needs /proc');
    return t.pass();
  }
  const server = createServer();
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const found = (await allListening()).filter((one) => one.port === port);
  t.deepEqual(found, [{ port: port ?? 0, uid: process.geteuid?.() ?? -1 }]);
});

test('a process that is not in a network of its own yet does not get what a stranger listens on', async (t) => {
  if (process.platform !== 'linux') {
    t.log('skipped: needs /proc');
    return t.pass();
  }
  const stranger = createServer().listen(0, '127.0.0.1');
  t.teardown(() => stranger.close());
  await once(stranger, 'listening');
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  t.is(await innerListenerOf((stranger.address() as AddressInfo).port, Number(child.pid)), 'none');
});

test('of a process that has ended nothing listens', async (t) => {
  const child = spawn('true', { stdio: 'ignore' });
  await once(child, 'exit');
  t.is(await innerListenerOf(80, Number(child.pid)), 'none');
});
