import type { Socket } from 'node:net';
import { dial } from './dial.js';
import { HeadReader } from './http1/head-reader.js';
import type { UpstreamAddress } from './upstreams.js';
import { type Receiver, Wire } from './wire.js';

/** Who has a connection to an app to itself for the time of a request. */
export interface UpstreamUser extends Receiver {
  connected(): void;
  /** The connection that it had to wait for, connected or on its way there. */
  given(connection: UpstreamConnection): void;
}

/** One connection to an app: used by one request after the other, idle in between. */
export class UpstreamConnection implements Receiver {
  readonly wire: Wire;
  /** Among those in use. */
  place = -1;
  readonly socket: Socket;
  readonly reader: HeadReader;
  /** It has carried a whole exchange before: it may turn out to be stale. */
  reused = false;
  /** An answer has come on it. */
  answered = false;
  connected = false;
  /** performance.now() when the last exchange ended. */
  idleSince = 0;
  /** Milliseconds for which the app said it keeps an idle connection. */
  keepMs = Number.POSITIVE_INFINITY;
  #user: UpstreamUser | undefined;
  /** Given up by us. */
  #given = false;
  readonly #onIdleEnd: (connection: UpstreamConnection) => void;

  /** `onIdleEnd`: it was closed, or bytes came on it, while nobody used it. */
  constructor(
    address: UpstreamAddress,
    options: { readonly fast: boolean; readonly headBytes: number },
    user: UpstreamUser,
    onIdleEnd: (connection: UpstreamConnection) => void,
  ) {
    this.#onIdleEnd = onIdleEnd;
    this.#user = user;
    this.reader = new HeadReader({ limit: options.headBytes, of: 'response' });
    this.wire = new Wire(this);
    this.wire.expectBulk(true);
    this.socket = dial(address, this.wire, options.fast);
    this.socket.once('connect', () => {
      this.connected = true;
      this.#user?.connected();
    });
  }

  use(user: UpstreamUser): void {
    this.#user = user;
  }

  /** Goes on open, but nobody's. */
  leave(now: number): void {
    this.#user = undefined;
    this.reused = true;
    this.idleSince = now;
    this.wire.resume();
  }

  /** Nobody hears of it any more. */
  destroy(): void {
    this.#user = undefined;
    this.#given = true;
    this.wire.destroy();
  }

  received(buffer: Buffer, start: number, end: number): void {
    if (this.#user === undefined) this.#spoiled();
    else this.#user.received(buffer, start, end);
  }

  ended(): void {
    if (this.#user === undefined) this.#spoiled();
    else this.#user.ended();
  }

  drained(): void {
    this.#user?.drained();
  }

  closed(error: Error | undefined): void {
    if (this.#user !== undefined) this.#user.closed(error);
    else if (!this.#given) this.#onIdleEnd(this);
  }

  /** Attack stopped: bytes that an app sends before it was asked would be taken for the answer to the next request, of somebody else. */
  #spoiled(): void {
    if (this.#given) return;
    this.#given = true;
    this.#onIdleEnd(this);
    this.wire.destroy();
  }
}
