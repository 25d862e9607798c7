import { connect, type Socket } from 'node:net';
import { statusOf, takeMessage, type WireMessage } from './http-wire.js';
import { Signal } from './signal.js';

/** A client that writes bytes in any pieces and reads strictly decoded responses. */
export class WireClient {
  readonly socket: Socket;
  /** What was received and not yet taken. */
  buffer = '';
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  readonly #signal = new Signal();

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text) => {
      this.buffer += text;
      this.#signal.notify();
    });
    this.socket.on('end', () => {
      this.ended = true;
      this.#signal.notify();
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.on('close', () => {
      this.closed = true;
      this.#signal.notify();
    });
  }

  get over(): boolean {
    return this.ended || this.closed;
  }

  send(bytes: string): this {
    if (!this.socket.destroyed) this.socket.write(bytes, 'latin1');
    return this;
  }

  /** Writes the pieces between `cuts` (ascending), each after the other side had a turn; stops when the connection is over. */
  async sendCut(bytes: string, cuts: readonly number[]): Promise<void> {
    let from = 0;
    for (const cut of [...cuts, bytes.length]) {
      if (this.over) return;
      if (cut <= from) continue;
      this.send(bytes.slice(from, cut));
      from = cut;
      await turn();
    }
  }

  /** The next final response to a `method` request, with the interim ones before it. Rejects when the connection ends before it. */
  async response(method = 'GET'): Promise<{ interim: WireMessage[]; final: WireMessage }> {
    const interim: WireMessage[] = [];
    for (;;) {
      const message = await this.message(method);
      const status = statusOf(message);
      if (status >= 200 || status === 101) return { interim, final: message };
      interim.push(message);
    }
  }

  /** The next response, interim or final. */
  message(method = 'GET'): Promise<WireMessage> {
    return this.#signal.when(
      () => {
        const found = takeMessage(this.buffer, { response: method, ended: this.ended });
        if (found === undefined) {
          if (this.over)
            throw new Error(`the connection ended (${this.error?.code ?? 'cleanly'}) with ${this.#shown()}`);
          return undefined;
        }
        this.buffer = this.buffer.slice(found.length);
        return found.message;
      },
      () => `a response, have ${this.#shown()}`,
    );
  }

  /** Waits until what was received matches. */
  async until(pattern: RegExp): Promise<void> {
    await this.#signal.when(
      () => {
        if (pattern.test(this.buffer)) return true;
        if (this.over) throw new Error(`the connection ended before ${pattern}: ${this.#shown()}`);
        return undefined;
      },
      () => `${pattern} in ${this.#shown()}`,
    );
  }

  /** Waits for the end of the connection and returns the bytes that nobody has taken. */
  async end(): Promise<string> {
    await this.#signal.when(
      () => (this.over ? true : undefined),
      () => `the end of the connection, have ${this.#shown()}`,
    );
    this.socket.destroy();
    return this.buffer;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #shown(): string {
    return JSON.stringify(this.buffer.slice(0, 2000));
  }
}

/** One turn of the event loop: what was written has been read on the other side of a loopback connection. */
export function turn(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}
