/** Clients that ask for a large file and take a little of it now and then. */
import { connect, type Socket } from 'node:net';
import { report, untilFinish } from '../../lib/reporter.js';

/** Reports when all have got something, and at the end how many connections are still open. */
export async function slowReaders(port: number, host: string, path: string, count: number): Promise<void> {
  const sockets: Socket[] = [];
  let open = 0;
  let started = 0;
  await new Promise<void>((resolve) => {
    for (let i = 0; i < count; i++) {
      const socket = connect(port, '127.0.0.1');
      let first = true;
      open += 1;
      socket.on('data', () => {
        socket.pause();
        if (first) started += 1;
        first = false;
        if (started === count) resolve();
      });
      socket
        .on('error', () => {})
        .once('close', () => {
          open -= 1;
        });
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      sockets.push(socket);
    }
  });
  // Up to 64 KiB each time: about 300 KB/s for each.
  const timer = setInterval(() => {
    for (const socket of sockets) socket.resume();
  }, 200);
  report({ started });
  await untilFinish();
  clearInterval(timer);
  report({ open });
  for (const socket of sockets) socket.destroy();
}
