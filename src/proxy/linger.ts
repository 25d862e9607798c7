import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How long a client may go on sending a body that nobody wants before it is cut off. */
const LINGER_MS = 5000;

const lingering = new WeakSet<Socket>();

/**
 * Makes the end of this connection gentle although the client still sends: closing a socket with unread bytes resets it, and the
 * client would lose the answer (a 413, say) that it has not read yet. Call it before the answer is ended.
 */
export function lingerOnClose(response: ServerResponse): void {
  const { socket } = response;
  if (socket === null || lingering.has(socket)) return;
  lingering.add(socket);
  socket.destroySoon = () => {
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  };
}

/** Whether the connection is about to end: a request that comes on it now can't be answered, so it must not be executed. */
export function isLingering(socket: Socket): boolean {
  return lingering.has(socket);
}

/** After an answer that came before the end of the request's body: reads the rest away, but not for ever. */
export function drainRest(request: IncomingMessage): void {
  request.resume();
  const { socket } = request;
  const timer = setTimeout(() => {
    if (!request.complete) socket.destroy();
  }, LINGER_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
}
