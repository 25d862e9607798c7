import { createServer, type Server, type Socket } from 'node:net';
import {
  framingOf,
  takeChunks,
  takeHead,
  takeMessage,
  type WireHead,
  type WireMessage,
} from './http-wire.js';
import { Signal } from './signal.js';

/** What an app does with one request. The connection takes the next one when it has returned and the request is complete. */
export type Script = (request: UpstreamRequest) => void | Promise<void>;

/** `/probe/x` is answered with `x` whatever the script: it shows that a connection is in step. */
const PROBE = /^GET \/probe\/(\w+) /;

/** An app that speaks bytes by a script and records everything that reaches it. */
export class ScriptedUpstream {
  script: Script = (request) => request.answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  /** Requests in the order of their heads, probes aside. */
  seen: UpstreamRequest[] = [];
  probes = 0;
  /** What reached the app and was no strict HTTP/1.1. */
  violations: string[] = [];
  connections = 0;
  readonly signal = new Signal();
  readonly server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#sockets.delete(socket));
      new UpstreamConnection(this, socket);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.server.close(() => done()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Forgets what was seen, and runs `script` from now on. */
  begin(script: Script): void {
    this.script = script;
    this.seen = [];
    this.violations = [];
  }

  /** The `index`th request, as soon as its head is here. */
  request(index = 0): Promise<UpstreamRequest> {
    return this.signal.when(
      () => this.seen[index],
      () => `request ${index} at the app`,
    );
  }
}

class UpstreamConnection {
  buffer = '';
  ended = false;
  closed = false;
  current: UpstreamRequest | undefined;
  readonly upstream: ScriptedUpstream;
  readonly socket: Socket;

  constructor(upstream: ScriptedUpstream, socket: Socket) {
    this.upstream = upstream;
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      this.buffer += text;
      this.#look();
    });
    socket.on('end', () => {
      this.ended = true;
      if (this.current === undefined) socket.end();
      upstream.signal.notify();
    });
    socket.on('close', () => {
      this.closed = true;
      upstream.signal.notify();
    });
  }

  #look(): void {
    if (this.current === undefined && this.buffer !== '') this.#begin();
    this.upstream.signal.notify();
  }

  #begin(): void {
    const { upstream, socket } = this;
    try {
      const head = takeHead(this.buffer, 'request');
      if (head === undefined) return;
      framingOf(head);
      const request = new UpstreamRequest(this, head);
      const probe = PROBE.exec(head.start)?.[1];
      if (probe === undefined) upstream.seen.push(request);
      else upstream.probes += 1;
      this.current = request;
      const script: Script =
        probe === undefined ? upstream.script : (asked) => asked.answer(probeAnswer(probe));
      void this.#run(request, script);
    } catch (error) {
      upstream.violations.push(`${error}`);
      socket.destroy();
    }
  }

  async #run(request: UpstreamRequest, script: Script): Promise<void> {
    try {
      await script(request);
      if (this.socket.destroyed || request.switched) return;
      const whole = await request.whole();
      this.buffer = this.buffer.slice(whole.length);
      this.current = undefined;
      if (this.ended) this.socket.end();
      this.#look();
    } catch (error) {
      // A client that left, or the proxy ending a request that went bad, ends the script as well.
      if (!this.closed && !this.ended) this.upstream.violations.push(`${error}`);
      this.socket.destroy();
    }
  }
}

export function probeAnswer(word: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${word.length}\r\n\r\n${word}`;
}

/** One request as it reached the app, and the way to answer it. */
export class UpstreamRequest {
  readonly head: WireHead;
  /** The connection left HTTP: nothing is decoded any more. */
  switched = false;
  /** Complete and decoded. */
  message: WireMessage | undefined;
  readonly #connection: UpstreamConnection;

  constructor(connection: UpstreamConnection, head: WireHead) {
    this.#connection = connection;
    this.head = head;
  }

  get socket(): Socket {
    return this.#connection.socket;
  }

  /** All bytes from the start of the head to what came last. */
  get bytes(): string {
    return this.#connection.buffer;
  }

  /** The connection was ended or broken by the proxy. */
  get cut(): boolean {
    return this.#connection.ended || this.#connection.closed;
  }

  get closed(): boolean {
    return this.#connection.closed;
  }

  /** The complete request and the number of its bytes. */
  whole(): Promise<{ message: WireMessage; length: number }> {
    return this.#connection.upstream.signal.when(
      () => {
        const found = this.#take();
        if (found !== undefined) this.message ??= found.message;
        if (found === undefined && this.cut) throw new Error('the request was cut off');
        return found;
      },
      () => `the rest of ${this.head.start}`,
      60_000,
    );
  }

  /** Waits until the bytes behind the head match. */
  async until(pattern: RegExp): Promise<void> {
    await this.#connection.upstream.signal.when(
      () => {
        if (pattern.test(this.bytes.slice(this.head.length))) return true;
        if (this.closed) throw new Error(`cut off before ${pattern}`);
        return undefined;
      },
      () => `${pattern} at the app, have ${JSON.stringify(this.bytes.slice(0, 2000))}`,
    );
  }

  /** Waits until the proxy has ended or broken the connection. */
  async gone(): Promise<void> {
    await this.#connection.upstream.signal.when(
      () => (this.cut ? true : undefined),
      () => 'the proxy to end the connection to the app',
    );
  }

  send(bytes: string): void {
    if (!this.socket.destroyed) this.socket.write(bytes, 'latin1');
  }

  /** Sends an answer in one piece when the request is complete. */
  async answer(bytes: string): Promise<void> {
    await this.whole();
    this.send(bytes);
  }

  #take(): { message: WireMessage; length: number } | undefined {
    const { buffer } = this.#connection;
    if (framingOf(this.head) === 'chunked' && takeChunks(buffer.slice(this.head.length)) === undefined)
      return undefined;
    return takeMessage(buffer, 'request');
  }
}
