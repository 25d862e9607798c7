import type { Duplex } from 'node:stream';
import { type ErrorCode, TenementError } from '../base/errors.js';
import { plainAddress } from './client-address.js';
import type { ConnectionInfo, Core } from './core.js';
import { type ClientSide, Exchange } from './exchange.js';
import { HalfClosed } from './half-closed.js';
import { Kind } from './http1/field-kind.js';
import { fieldValue } from './http1/field-section.js';
import { HeadReader } from './http1/head-reader.js';
import { parseRequestHead, type RequestHead } from './http1/request-head.js';
import { LINGER_MS, Linger } from './linger.js';
import { pageFor, rawPage } from './pages.js';
import { noRequest } from './request-end.js';
import { requestIdFor } from './request-id.js';
import { type Receiver, Wire } from './wire.js';

/** How much may come behind a request while it is answered, before reading stops. */
const MOST_AHEAD = 64 * 1024;

/**
 * - head: between requests, or within a request's head
 * - exchange: a request is being answered
 * - drain: its answer is complete, and the rest of its body is read away
 * - waiting: its answer has not gone out; the next request has to wait for that
 * - closing: nothing more is read but the end
 */
type State = 'head' | 'exchange' | 'drain' | 'waiting' | 'closing';

/** The connection of one client: requests in, one after the other, and their answers out, in the same order. */
export class ClientConnection implements Receiver, ClientSide {
  readonly core: Core;
  readonly wire: Wire;
  readonly peer: string;
  readonly encrypted: boolean;
  readonly trusted: boolean;
  readonly #onClosed: (connection: ClientConnection) => void;
  readonly #reader: HeadReader;
  #state: State = 'head';
  #exchange: Exchange | undefined;
  /** What came behind the request that is being answered. */
  #ahead: Buffer[] = [];
  #aheadBytes = 0;
  #reading = false;
  /** The request says that it is the last one. */
  #last = false;
  /** The client has ended its side. */
  #half: HalfClosed | undefined;
  /** performance.now() since when the present state lasts, as the last sweep saw it; 0: since after it. */
  #since = 0;
  readonly #linger = new Linger();

  /** The wire reads once its stream is attached. */
  constructor(core: Core, info: ConnectionInfo, onClosed: (connection: ClientConnection) => void) {
    this.core = core;
    this.peer = plainAddress(info.remoteAddress);
    this.encrypted = info.encrypted;
    this.trusted = info.trusted === true;
    this.#onClosed = onClosed;
    this.#reader = new HeadReader({ limit: core.limits.headBytes, of: 'request' });
    this.wire = new Wire(this);
  }

  attach(stream: Duplex, fast: boolean): void {
    this.wire.attach(stream, fast);
  }

  /** What is being answered. */
  get answering(): Exchange | undefined {
    return this.#state === 'closing' ? undefined : this.#exchange;
  }

  get mayKeep(): boolean {
    return this.#mayGoOn && !this.core.draining;
  }

  /** A client that was told so before the server began to drain has sent its next request, perhaps. */
  get #mayGoOn(): boolean {
    const more = this.#half === undefined || this.#aheadBytes > 0;
    return !this.#last && more && !this.core.closing;
  }

  received(buffer: Buffer, start: number, end: number): void {
    try {
      this.#read(buffer, start, end);
    } catch (error) {
      this.#reading = false;
      this.#crash(error);
    }
  }

  #read(buffer: Buffer, start: number, end: number): void {
    let at = start;
    this.#reading = true;
    while (at < end) {
      if (this.#state === 'head') at = this.#readHead(buffer, at, end);
      else if (this.#state === 'closing') at = end;
      else {
        const exchange = this.#exchange;
        if (exchange?.tunnel !== undefined) {
          exchange.tunnel.fromClient(buffer, at, end);
          at = end;
        } else if (exchange !== undefined && !exchange.body.done)
          at = this.#readBody(exchange, buffer, at, end);
        else {
          this.#stash(buffer, at, end);
          at = end;
        }
      }
    }
    this.#reading = false;
  }

  #readHead(buffer: Buffer, start: number, end: number): number {
    const reader = this.#reader;
    if (reader.empty) this.#since = 0;
    let at = reader.push(buffer, start, end);
    if (reader.status === 'more') return at;
    const { status, text } = reader;
    reader.reset();
    const head = status === 'complete' ? parseRequestHead(text) : undefined;
    if (head === undefined) {
      this.#refuse(status === 'too_large' ? 'headers_too_large' : 'bad_request');
      return end;
    }
    this.#last = head.minor === 1 ? head.connection.close : !head.connection.keepAlive;
    const exchange = new Exchange(this, head);
    this.#exchange = exchange;
    this.#become('exchange');
    if (!exchange.body.done && at < end) at = exchange.takeBody(buffer, at, end);
    exchange.start();
    return at;
  }

  #readBody(exchange: Exchange, buffer: Buffer, start: number, end: number): number {
    const at = exchange.takeBody(buffer, start, end);
    if (this.#state !== 'drain') return at;
    if (exchange.body.done) this.#nextRequest();
    else if (exchange.body.reader.status !== 'more') {
      this.wire.destroy();
      return end;
    }
    return at;
  }

  #stash(buffer: Buffer, start: number, end: number): void {
    this.#ahead.push(Buffer.from(buffer.subarray(start, end)));
    this.#aheadBytes += end - start;
    if (this.#aheadBytes > MOST_AHEAD) this.wire.pause();
  }

  takeEarlyBytes(): Buffer | undefined {
    this.#aheadBytes = 0;
    const ahead = this.#ahead.splice(0);
    return ahead.length === 0 ? undefined : Buffer.concat(ahead);
  }

  exchangeEnded(keep: boolean): void {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#state === 'closing') return;
    if (this.wire.destroyed) this.#become('closing');
    else if (exchange.tunnel !== undefined) this.wire.destroy();
    else if (!keep || !this.#mayGoOn) this.#close();
    else if (!exchange.body.done) {
      // The answer came before the end of the body: the rest goes nowhere.
      this.#become('drain');
      this.wire.resume();
    } else this.#nextRequest();
  }

  /** Attack stopped: a client that sends requests and reads no answers would fill the memory with these. */
  #nextRequest(): void {
    this.#exchange = undefined;
    if (this.wire.congested) {
      this.#become('waiting');
      return;
    }
    this.#become('head');
    if (this.#aheadBytes > 0 && !this.#reading) this.#readAhead();
    else if (this.#aheadBytes === 0) {
      this.wire.resume();
      if (this.core.closing && !this.#reading) this.shutDown();
    }
  }

  /** The requests that came early, one by one. */
  #readAhead(): void {
    const bytes = this.takeEarlyBytes();
    if (bytes !== undefined) this.received(bytes, 0, bytes.length);
    if (this.#aheadBytes <= MOST_AHEAD && this.#state === 'head') this.wire.resume();
    if (this.#half !== undefined) this.#afterEnd(this.#half);
  }

  ended(): void {
    const exchange = this.#exchange;
    const half = new HalfClosed(this.wire, performance.now(), exchange?.bytesWritten ?? 0);
    this.#half = half;
    if (exchange?.tunnel !== undefined) exchange.tunnel.clientEnded();
    else if (exchange !== undefined && !exchange.body.done && this.#state === 'exchange') {
      // Half a body: nobody will complete it.
      exchange.clientGone();
      this.wire.destroy();
    } else this.#afterEnd(half);
  }

  /** A client that has ended its side gets its answers, but nothing more is expected of it. */
  #afterEnd(half: HalfClosed): void {
    if (this.#state === 'head' && this.#aheadBytes === 0) {
      if (!this.#reader.empty) this.#refuse('bad_request');
      else this.#close();
    } else if (this.#state === 'drain') this.wire.destroy();
    else if (this.#state === 'exchange' && this.#exchange?.waiting === true) half.waits(this.#exchange);
  }

  drained(): void {
    if (this.#state === 'waiting') this.#nextRequest();
    else this.#exchange?.clientDrained();
  }

  closed(): void {
    const exchange = this.#exchange;
    this.#state = 'closing';
    this.#half?.stop();
    if (exchange?.tunnel !== undefined) exchange.tunnel.clientClosed();
    else exchange?.clientGone();
    this.#onClosed(this);
  }

  /** Answers bytes that are no request, and ends the connection. */
  #refuse(code: ErrorCode): void {
    const requestId = requestIdFor(undefined);
    const page = pageFor(new TenementError(code), requestId, undefined);
    this.wire.write(rawPage(page, { bodiless: false, close: true, keepAlive: false }));
    // An operator wants to see who sends such things.
    const { status, body } = page;
    const durationMs = this.#since === 0 ? 0 : performance.now() - this.#since;
    this.core.options.onRequestEnd(
      noRequest({ status, durationMs, bytesOut: Buffer.byteLength(body), client: this.peer, requestId }),
    );
    this.#close();
  }

  sendPage(error: TenementError, requestId: string, head: RequestHead, keep: boolean): number {
    const page = pageFor(error, requestId, fieldValue(head.fields, Kind.accept));
    const bodiless = head.method === 'HEAD';
    this.wire.write(rawPage(page, { bodiless, close: !keep, keepAlive: keep && head.minor === 0 }));
    return Buffer.byteLength(page.body);
  }

  /**
   * Ends our side and reads on for a while: closing a socket with unread bytes resets it, and the client would lose an answer that it has
   * not read yet.
   */
  #close(): void {
    this.#become('closing');
    this.#ahead = [];
    this.wire.stream.end();
    this.wire.resume();
  }

  #crash(err: unknown): void {
    this.core.options.log.error({ err }, 'a connection failed inside the proxy');
    this.wire.destroy();
  }

  /**
   * For the end of the server: closes when nothing is being answered. Not at once: a reset by what comes meanwhile would take from the client an
   * answer that is on its way.
   */
  shutDown(): void {
    if (this.#state !== 'head') return;
    if (this.#reader.empty) this.#close();
    else this.#refuse('shutting_down');
  }

  #become(state: State): void {
    this.#state = state;
    this.#since = 0;
  }

  /** Called about twice a second: what has lasted too long ends. */
  sweep(now: number): void {
    if (this.#since === 0) this.#since = now;
    const lasted = now - this.#since;
    const { limits } = this.core;
    if (this.#state === 'exchange') {
      const exchange = this.#exchange;
      exchange?.sweep(now);
      if (exchange !== undefined && exchange.tunnel === undefined) this.#half?.sweep(exchange, now);
    } else if (this.#state === 'head') {
      if (this.#reader.empty) {
        if (lasted > limits.idleMs) this.wire.destroy();
      } else if (lasted > limits.headTimeoutMs) this.#refuse('request_too_slow');
    } else if (this.#state === 'drain') {
      if (lasted > LINGER_MS) this.wire.destroy();
    } else if (this.#state === 'closing') {
      if (this.#linger.isOver(this.wire.unsent, lasted, now, this.core.closing)) this.wire.destroy();
    }
  }
}
