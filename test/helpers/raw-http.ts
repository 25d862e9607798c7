import { connect, type Socket } from 'node:net';
import { patience } from './patience.js';

/** A client that writes and reads bytes, so that a test sees exactly what goes over the wire. */
export class RawClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  /** The server ended its side. */
  ended = false;
  /** The connection was reset or failed. */
  error: Error | undefined;
  closed = false;

  constructor(port: number, host = '127.0.0.1') {
    this.socket = connect({ port, host, allowHalfOpen: true });
    this.socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  get text(): string {
    return this.#received.toString('latin1');
  }

  write(text: string | Buffer): this {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
    return this;
  }

  /** Waits until what came matches. Fails when the connection ends first. */
  async until(pattern: RegExp | ((text: string) => boolean)): Promise<string> {
    const matches = () => (typeof pattern === 'function' ? pattern(this.text) : pattern.test(this.text));
    await eventually(() => matches() || this.ended || this.closed, `${pattern} in ${this.text}`);
    if (!matches()) throw new Error(`the connection ended before ${pattern}: ${JSON.stringify(this.text)}`);
    return this.text;
  }

  /** Waits for the end of the connection, clean or not, and returns all that came. */
  async end(): Promise<string> {
    await eventually(() => this.ended || this.closed, `the end of the connection, so far: ${this.text}`);
    this.socket.destroy();
    return this.text;
  }
}

/** Sends `bytes` on a new connection and returns everything up to its end; the request should ask for `Connection: close`. */
export function exchange(port: number, bytes: string | Buffer): Promise<string> {
  return new RawClient(port).write(bytes).end();
}

/** Polls until `condition` holds; fails after a generous bound, saying what was awaited. */
export async function eventually(
  condition: () => boolean,
  what: string,
  boundMs = patience(60_000),
): Promise<void> {
  const deadline = performance.now() + boundMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
