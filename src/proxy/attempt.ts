import { TenementError } from '../base/errors.js';
import { type Closable, unwatchClosing, watchClosing } from './closings.js';
import type { Core } from './core.js';
import { Kind } from './http1/field-kind.js';
import { fieldValue } from './http1/field-section.js';
import type { RequestHead } from './http1/request-head.js';
import { parseResponseHead, type ResponseHead } from './http1/response-head.js';
import type { RequestBody } from './request-body.js';
import { ResponseRelay } from './response-relay.js';
import type { Phase } from './retry.js';
import { Tunnel } from './tunnel.js';
import type { UpstreamConnection, UpstreamUser } from './upstream-connection.js';
import type { Lease } from './upstreams.js';
import type { Wire } from './wire.js';

/** An attempt that the client has seen nothing of. */
export interface Failure {
  readonly error: TenementError;
  readonly phase: Phase;
  /** The instance refused or broke the connection. */
  readonly broke: boolean;
  /** It was a connection that had been used before: the app may just have closed it for its age. */
  readonly stale: boolean;
}

/** The exchange that an attempt belongs to. */
export interface AttemptOwner {
  readonly core: Core;
  readonly head: RequestHead;
  readonly wire: Wire;
  readonly body: RequestBody;
  /** The head for the app. */
  readonly headText: string;
  readonly upgrade: boolean;
  readonly mayKeepClient: boolean;
  interim(head: ResponseHead): void;
  /** The answer's head goes to the client now. */
  answering(status: number): void;
  /** Protocols were switched: what the client sends goes to the tunnel; what it has sent is returned. */
  switched(head: ResponseHead, tunnel: Tunnel): Buffer | undefined;
  /** `now`: performance.now(), as of the answer's last byte. */
  answered(bytes: number, keepClient: boolean, now: number): void;
  failed(failure: Failure): void;
  /** The answer had begun and can't be completed. `delimited`: the client can tell by itself. */
  truncated(error: TenementError, bytes: number, delimited: boolean): void;
  crashed(error: unknown): void;
}

/** Sends the request to the leased instance once, and passes its answer. Ends with exactly one of the owner's last four methods. */
export class Attempt implements UpstreamUser, Closable {
  /** Among those that listen to the lease's `closing`. */
  place = -1;
  readonly #owner: AttemptOwner;
  readonly #lease: Lease;
  /** Not there as long as it is waited for, in the phase `connecting`. */
  #connection!: UpstreamConnection;
  #phase: Phase = 'connecting';
  /** performance.now() since when it is the app's move; 0: the client's, or an answer has come. */
  #waitingSince = 0;
  #settled = false;
  #relay: ResponseRelay | undefined;
  #tunnel: Tunnel | undefined;

  constructor(owner: AttemptOwner, lease: Lease) {
    this.#owner = owner;
    this.#lease = lease;
  }

  /** `fresh`: on a new connection. `recent`: on a new one, or one that was used a moment ago. */
  start(want: { readonly fresh: boolean; readonly recent: boolean }, now: number): void {
    const { closing } = this.#lease;
    if (closing.aborted) {
      this.closing(closing.reason);
      return;
    }
    watchClosing(closing, this);
    this.#waitingSince = now;
    const connection = this.#owner.core.pools.take(this.#lease, this, want, now);
    if (connection === undefined) return;
    this.#connection = connection;
    if (connection.connected) this.#send(now);
  }

  given(connection: UpstreamConnection): void {
    this.#connection = connection;
    if (connection.connected) this.connected();
  }

  connected(): void {
    if (!this.#settled) this.#send(performance.now());
  }

  #send(now: number): void {
    const { body, head, headText } = this.#owner;
    this.#phase = 'sent';
    body.sendTo(this.#connection.wire, headText);
    // The app has to say whether it wants the body, or the client to go ahead unasked.
    if (body.done || (head.expects && body.reader.bytes === 0)) this.#waitingSince = now;
    else this.bodyMoved();
  }

  /** The app's move once it has everything, or does not read; the client's otherwise. */
  bodyMoved(): void {
    if (this.#settled || this.#relay !== undefined || this.#phase === 'connecting') return;
    const appsMove = this.#owner.body.done || this.#connection.wire.congested;
    this.#waitingSince = appsMove ? performance.now() : 0;
  }

  received(buffer: Buffer, start: number, end: number): void {
    try {
      if (this.#tunnel !== undefined) this.#tunnel.fromApp(buffer, start, end);
      else if (this.#relay !== undefined) this.#pass(this.#relay, buffer, start, end);
      else this.#readHead(buffer, start, end);
    } catch (error) {
      this.#crash(error);
    }
  }

  #readHead(buffer: Buffer, start: number, end: number): void {
    const { reader } = this.#connection;
    if (this.#phase === 'connecting') {
      this.#nonsense('The app spoke before it was asked');
      return;
    }
    this.#phase = 'answered';
    let at = start;
    while (at < end) {
      at = reader.push(buffer, at, end);
      if (reader.status === 'more') {
        if (!looksLikeHttp(reader.text)) this.#nonsense('The app does not speak HTTP');
        return;
      }
      const { status, text } = reader;
      reader.reset();
      const head = status === 'complete' ? parseResponseHead(text) : undefined;
      if (head === undefined || head.status === 101 || head.status >= 200) {
        if (head === undefined)
          this.#nonsense(`The app's response head is ${status === 'too_large' ? 'too large' : 'malformed'}`);
        else if (head.status === 101) this.#switch(head, buffer, at, end);
        else this.#begin(head, buffer, at, end);
        return;
      }
      this.#owner.interim(head);
      if (head.status === 100) this.bodyMoved();
    }
  }

  #begin(head: ResponseHead, buffer: Buffer, at: number, end: number): void {
    const owner = this.#owner;
    const connection = this.#connection;
    if (!connection.answered) owner.core.pools.answered(this.#lease.instance, connection);
    this.#waitingSince = 0;
    const { method, minor } = owner.head;
    const context = { method, minor, mayKeep: owner.mayKeepClient };
    const relay = new ResponseRelay(head, context, owner.wire, connection.wire);
    this.#relay = relay;
    connection.keepMs = keepMs(head);
    owner.answering(head.status);
    this.#pass(relay, buffer, at, end);
  }

  #pass(relay: ResponseRelay, buffer: Buffer, start: number, end: number): void {
    let consumed = relay.take(buffer, start, end);
    while (relay.status === 'more' && consumed < end) consumed = relay.take(buffer, consumed, end);
    if (relay.status === 'more') {
      if (this.#owner.wire.congested) this.#connection.wire.pause();
    } else if (relay.status === 'done') this.#finish(relay, relay.keepsApp && consumed === end);
    else this.#fail(new TenementError('upstream_failed', 'The chunks of the app are malformed'), false);
  }

  #finish(relay: ResponseRelay, keepApp: boolean): void {
    const now = performance.now();
    this.#settle(keepApp && this.#owner.body.done, now);
    this.#owner.answered(relay.bytes, relay.keepsClient, now);
  }

  #switch(head: ResponseHead, buffer: Buffer, at: number, end: number): void {
    const owner = this.#owner;
    if (!owner.upgrade) {
      this.#nonsense('The app switched protocols without being asked');
      return;
    }
    if (!this.#connection.answered) owner.core.pools.answered(this.#lease.instance, this.#connection);
    this.#waitingSince = 0;
    const { wire } = this.#connection;
    const tunnel = new Tunnel(owner.wire, wire, () => {
      this.#settle(false);
      owner.answered(0, false, performance.now());
    });
    this.#tunnel = tunnel;
    const early = owner.switched(head, tunnel);
    // What either side sent right behind its head belongs to the new protocol.
    if (at < end) tunnel.fromApp(buffer, at, end);
    if (early !== undefined) tunnel.fromClient(early, 0, early.length);
  }

  ended(): void {
    if (this.#tunnel !== undefined) this.#tunnel.appEnded();
    else this.#broke(undefined);
  }

  drained(): void {
    if (this.#tunnel !== undefined) this.#tunnel.appDrained();
    else {
      this.#owner.body.drained();
      this.bodyMoved();
    }
  }

  closed(error: Error | undefined): void {
    if (this.#tunnel !== undefined) this.#tunnel.appClosed();
    else this.#broke(error);
  }

  #broke(cause: Error | undefined): void {
    if (this.#settled) return;
    const relay = this.#relay;
    if (relay !== undefined) {
      if (cause === undefined && relay.ended()) this.#finish(relay, false);
      else
        this.#fail(new TenementError('upstream_failed', 'The app broke off in its answer', { cause }), false);
      return;
    }
    this.#fail(new TenementError('upstream_failed', undefined, { cause }), true);
  }

  /** It waits for a connection that may be dialled. */
  get queued(): boolean {
    return !this.#settled && (this.#connection as UpstreamConnection | undefined) === undefined;
  }

  /** Bytes of the answer's body so far. */
  get relayed(): number {
    return this.#relay?.bytes ?? 0;
  }

  /** The client reads again. */
  clientDrained(): void {
    if (this.#phase !== 'connecting') this.#connection.wire.resume();
  }

  /** The client has gone, or must not get more. */
  abandon(): void {
    this.#settle(false);
  }

  closing(reason: unknown): void {
    this.#fail(reason instanceof TenementError ? reason : new TenementError('shutting_down'), false);
  }

  sweep(now: number): void {
    this.#tunnel?.sweep(now);
    const limit = this.#lease.policy.requestTimeoutMs;
    if (this.#waitingSince === 0 || now - this.#waitingSince < limit) return;
    const waited = this.#phase === 'connecting' ? 'took no connection' : 'sent no response head';
    const message = `${this.#lease.instance} ${waited} within ${limit / 1000} s (request_timeout)`;
    this.#fail(new TenementError('response_timeout', message), false);
  }

  /** Something was answered, though nothing that makes sense: it is not asked again. */
  #nonsense(message: string): void {
    this.#phase = 'answered';
    this.#fail(new TenementError('upstream_failed', message), false);
  }

  #fail(error: TenementError, broke: boolean): void {
    if (this.#settled) return;
    const stale = broke && this.#phase === 'sent' && this.#connection.reused;
    this.#settle(false);
    if (this.#tunnel !== undefined) this.#owner.truncated(error, 0, true);
    else if (this.#relay !== undefined) {
      this.#owner.truncated(error, this.#relay.bytes, this.#relay.delimited);
    } else this.#owner.failed({ error, phase: this.#phase, broke, stale });
  }

  #crash(error: unknown): void {
    this.#settle(false);
    this.#owner.crashed(error);
  }

  #settle(keepConnection: boolean, now = performance.now()): void {
    if (this.#settled) return;
    this.#settled = true;
    unwatchClosing(this.#lease.closing, this);
    this.#owner.body.detach();
    const connection = this.#connection as UpstreamConnection | undefined;
    const { pools } = this.#owner.core;
    const { instance } = this.#lease;
    if (connection === undefined) pools.leave(instance, this);
    else pools.giveBack(instance, connection, keepConnection, now);
  }
}

/** As far as it goes. Else an SSH banner or a page of HTTP/0.9 would be waited for as if it were the beginning of a head. */
function looksLikeHttp(text: string): boolean {
  return text.length < 7 ? 'HTTP/1.'.startsWith(text) : text.startsWith('HTTP/1.');
}

/** What the app says about how long it keeps an idle connection. */
function keepMs(head: ResponseHead): number {
  const value = fieldValue(head.fields, Kind.keepAlive);
  const seconds = value === undefined ? undefined : /(?:^|[,\s])timeout=(\d{1,6})/i.exec(value)?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000;
}
