/** Clients that ask once and then keep their connection open without a word. */
import { connect, type Socket } from 'node:net';
import { report, untilFinish } from '../../lib/reporter.js';

/** At once being connected: fewer than any listener's backlog. */
const IN_FLIGHT = 100;

/** Reports when all have their answer, and at the end how many connections are still open. */
export async function idleConnections(
  port: number,
  host: string,
  path: string,
  count: number,
): Promise<void> {
  const sockets = new Set<Socket>();
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      sockets.add(socket);
      socket
        .once('data', () => resolve())
        .on('error', reject)
        .once('close', () => {
          sockets.delete(socket);
          reject(new Error('closed without an answer'));
        });
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      socket.resume();
    });
  let left = count;
  const some = async () => {
    while (left > 0) {
      left -= 1;
      await open();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, some));
  report({ answered: count });
  await untilFinish();
  report({ open: sockets.size });
  // By a reset: ten thousand connections in TIME-WAIT would slow down whoever reads /proc/net/tcp after this.
  for (const socket of sockets) socket.resetAndDestroy();
}
