import type { Socket } from 'node:net';

/** Far more than a client may sensibly send before it knows that the protocol was switched. */
const MAX_BYTES = 64 * 1024;

/**
 * The client's side of an upgrade until the app has agreed. It goes on reading, because only a socket that is read tells that its peer has
 * left, and it holds what it read. Attack stopped: nothing of it reaches the app before its 101, or a second request
 * hidden behind an upgrade that the app ignores would pass our header rules.
 */
export class EarlyBytes {
  readonly socket: Socket;
  /** The app has sent its 101: there is no HTTP on this socket any more. */
  switched = false;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  readonly #onData = (chunk: Buffer) => {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_BYTES) this.socket.pause();
  };
  readonly #onEnd = () => this.socket.destroy();

  constructor(socket: Socket, head: Buffer) {
    this.socket = socket;
    if (head.length > 0) this.#chunks.push(head);
    socket.on('data', this.#onData).on('end', this.#onEnd);
    socket.resume();
  }

  /** Stops reading and hands over what came; the socket is paused afterwards. */
  take(): Buffer {
    this.socket.off('data', this.#onData).off('end', this.#onEnd);
    this.socket.pause();
    return Buffer.concat(this.#chunks.splice(0));
  }
}
