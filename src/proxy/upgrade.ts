import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { EarlyBytes } from './early-bytes.js';
import type { Exchange } from './exchange.js';
import { pairs, switchingHeaders } from './headers.js';

/**
 * Passes the app's 101 and joins the two sockets. Resolves when both have closed. There is no idle timeout: a silent WebSocket stays.
 */
export function switchProtocols(
  answer: IncomingMessage,
  app: Socket,
  appHead: Buffer,
  client: EarlyBytes,
  exchange: Exchange,
): Promise<void> {
  const { response, tally } = exchange;
  const clientHead = client.take();
  const { socket } = client;
  client.switched = true;
  response.detachSocket(socket);
  tally.status = 101;
  const fields = [...pairs(switchingHeaders(answer.rawHeaders))].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.write(`HTTP/1.1 101 ${answer.statusMessage ?? ''}\r\n${fields.join('')}\r\n`, 'latin1');
  // What either side sent right behind its head belongs to the new protocol.
  if (appHead.length > 0) socket.write(appHead);
  if (clientHead.length > 0) app.write(clientHead);
  const sentBefore = socket.bytesWritten;
  const receivedBefore = socket.bytesRead - clientHead.length;
  return join(socket, app).then(() => {
    tally.bytesOut += socket.bytesWritten - sentBefore + appHead.length;
    tally.bytesIn += socket.bytesRead - receivedBefore;
  });
}

/** Pipes both ways; each direction ends by itself, a broken side ends both. */
function join(client: Socket, app: Socket): Promise<void> {
  client.pipe(app);
  app.pipe(client);
  return Promise.all([closed(client, app), closed(app, client)]).then(() => {});
}

function closed(socket: Socket, other: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => other.destroy());
    socket.once('close', () => {
      // After a clean end the other side still gets what is on its way; after a break there is nothing left to say.
      if (socket.readableEnded) other.destroySoon();
      else other.destroy();
      resolve();
    });
    if (socket.destroyed) {
      other.destroy();
      resolve();
    }
  });
}
