import { asTenementError, TenementError } from '../base/errors.js';
import { Attempt, type AttemptOwner, type Failure } from './attempt.js';
import type { Core } from './core.js';
import type { RequestHead } from './http1/request-head.js';
import type { ResponseHead } from './http1/response-head.js';
import { rewriteInterim, rewriteSwitching } from './http1/rewrite-response.js';
import { type Plan, planFor } from './plan.js';
import { RequestBody } from './request-body.js';
import { isIdempotent, mayRetry } from './retry.js';
import type { Tunnel } from './tunnel.js';
import type { Lease } from './upstreams.js';
import type { Wire } from './wire.js';

/** The client's connection, as an exchange uses it. */
export interface ClientSide {
  readonly core: Core;
  readonly wire: Wire;
  readonly peer: string;
  readonly encrypted: boolean;
  readonly trusted: boolean;
  /** Another request may come on it. */
  readonly mayKeep: boolean;
  /** The exchange is over. `keep`: the connection goes on. */
  exchangeEnded(keep: boolean): void;
  /** Our page instead of an answer; returns the bytes of its body. `keep`: the connection may go on. */
  sendPage(error: TenementError, requestId: string, head: RequestHead, keep: boolean): number;
  /** Bytes behind the request's head, which belong to a new protocol. */
  takeEarlyBytes(): Buffer | undefined;
}

/** One request of a client and its answer, however many attempts it takes: lease, forward, give the lease back. */
export class Exchange implements AttemptOwner {
  readonly core: Core;
  readonly wire: Wire;
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly headText: string;
  readonly upgrade: boolean;
  /** performance.now() of the request's head. */
  readonly startedAt = performance.now();
  /** The answer's head has gone out. */
  answerBegun = false;
  tunnel: Tunnel | undefined;
  readonly #client: ClientSide;
  readonly #plan: Plan;
  #status = 499;
  #bytesOut = 0;
  #instance: string | undefined;
  #lease: Lease | undefined;
  #attempt: Attempt | undefined;
  /** Aborts the wait for a lease when the client leaves. */
  #wait: AbortController | undefined;
  #started = false;
  #ended = false;
  #refused = 0;
  #resent = 0;

  constructor(client: ClientSide, head: RequestHead) {
    this.#client = client;
    this.core = client.core;
    this.wire = client.wire;
    this.head = head;
    this.#plan = planFor(head, client);
    this.headText = this.#plan.headText;
    this.upgrade = this.#plan.upgrade;
    this.body = new RequestBody(client.wire, head.body, isIdempotent(head.method), this.#plan.maxBodyBytes);
  }

  get mayKeepClient(): boolean {
    // After a final answer without 100 (Continue) nobody knows whether the body will come.
    const undecided = this.head.expects && !this.body.done && this.body.reader.bytes === 0;
    return this.#client.mayKeep && !this.upgrade && !undecided;
  }

  /** After what has already come of the body was given to `takeBody`. */
  start(): void {
    this.#started = true;
    const { refusal } = this.#plan;
    const bodyError = this.#bodyError();
    if (refusal !== undefined || bodyError !== undefined)
      this.#refuse(refusal ?? (bodyError as TenementError));
    else this.#acquire(this.startedAt);
  }

  /** Bytes from the client; returns the position behind the last one of this request. */
  takeBody(buffer: Buffer, start: number, end: number): number {
    const consumed = this.body.take(buffer, start, end);
    const error = this.#bodyError();
    if (error === undefined) this.#attempt?.bodyMoved();
    else if (this.#started) this.#fail(error);
    return consumed;
  }

  #bodyError(): TenementError | undefined {
    const { status } = this.body.reader;
    if (status === 'bad') return new TenementError('bad_request', 'The chunks of the request are malformed');
    return status === 'too_large' ? new TenementError('body_too_large') : undefined;
  }

  #acquire(now: number): void {
    const { target } = this.#plan;
    if (target === undefined) {
      this.#leased(this.#plan.ownLease as Lease, now);
      return;
    }
    const { upstreams } = this.core.options;
    const hasBody = this.head.body.kind === 'chunked' || this.head.body.length > 0;
    try {
      const lease = upstreams.acquireNow?.(target, hasBody);
      if (lease !== undefined) {
        this.#leased(lease, now);
        return;
      }
    } catch (error) {
      this.#refuse(asTenementError(error));
      return;
    }
    this.#wait ??= new AbortController();
    upstreams
      .acquire(target, { signal: this.#wait.signal, hasBody })
      .then(
        (lease) => {
          if (this.#ended) lease.release();
          else this.#leased(lease, performance.now());
        },
        (error: unknown) => this.#fail(asTenementError(error)),
      )
      .catch((error: unknown) => this.crashed(error));
  }

  #leased(lease: Lease, now: number): void {
    this.#lease = lease;
    if (this.#plan.target !== undefined) this.#instance = lease.instance;
    this.#try(lease, false, now);
  }

  #try(lease: Lease, fresh: boolean, now: number): void {
    const attempt = new Attempt(this, lease);
    this.#attempt = attempt;
    // Protocols are switched on connections of their own.
    const want = { fresh: fresh || this.upgrade, recent: !isIdempotent(this.head.method) };
    attempt.start(want, now);
  }

  interim(head: ResponseHead): void {
    // An HTTP/1.0 client knows no 1xx.
    if (this.head.minor === 1) this.wire.write(rewriteInterim(head));
  }

  answering(status: number): void {
    this.answerBegun = true;
    this.#status = status;
  }

  switched(head: ResponseHead, tunnel: Tunnel): Buffer | undefined {
    this.answering(101);
    this.tunnel = tunnel;
    this.wire.write(rewriteSwitching(head));
    return this.#client.takeEarlyBytes();
  }

  answered(bytes: number, keepClient: boolean, now: number): void {
    this.#bytesOut += bytes;
    this.#endLease(false);
    this.#end(keepClient, now);
  }

  failed(failure: Failure): void {
    const { error, phase, broke, stale } = failure;
    const { method } = this.head;
    const lease = this.#lease;
    this.#attempt = undefined;
    // An app may close a connection for its age at any moment; that says nothing about the app.
    if (stale && lease !== undefined && isIdempotent(method) && this.body.replayable) {
      this.#try(lease, true, performance.now());
      return;
    }
    this.#endLease(broke);
    const { replayable } = this.body;
    const retry = { method, phase, broke, replayable, refused: this.#refused, resent: this.#resent };
    if (this.#plan.target === undefined || !mayRetry(retry)) {
      this.#fail(error);
      return;
    }
    if (phase === 'connecting') this.#refused += 1;
    else this.#resent += 1;
    this.#acquire(performance.now());
  }

  truncated(error: TenementError, bytes: number, delimited: boolean): void {
    this.#bytesOut += bytes;
    this.#log(error);
    // A body that ends with the connection must not end cleanly, or the client takes a part for the whole.
    if (delimited) this.wire.destroy();
    else this.wire.reset();
    this.#endLease(false);
    this.#end(false);
  }

  /** A bug in one request, or in what was given to us to call, ends that request and not the server. */
  crashed(err: unknown): void {
    this.core.options.log.error({ err }, 'a request failed inside the proxy');
    this.wire.destroy();
    this.clientGone();
  }

  /** The client's connection is closed, or will never bring what is missing. */
  clientGone(): void {
    if (this.#ended) return;
    this.#attempt?.abandon();
    this.#wait?.abort(new Error('the client has left'));
    this.#endLease(false);
    this.#end(false);
  }

  /** It waits for a lease, or for its turn to be dialled: nothing was sent to an app. */
  get waiting(): boolean {
    if (this.#ended) return false;
    if (this.#lease === undefined) return this.#wait !== undefined;
    // A client of HTTP/1.0 can't be asked whether it left, and that wait is short.
    return this.head.minor === 1 && this.#attempt?.queued === true;
  }

  /** Bytes of answer so far. */
  get bytesWritten(): number {
    return this.#attempt?.relayed ?? 0;
  }

  clientDrained(): void {
    this.tunnel?.clientDrained();
    this.#attempt?.clientDrained();
  }

  sweep(now: number): void {
    this.#attempt?.sweep(now);
  }

  /** Gives up whatever goes on and answers with our page, or breaks the answer that has begun. */
  #fail(error: TenementError): void {
    if (this.#ended) return;
    this.#attempt?.abandon();
    this.#attempt = undefined;
    this.#endLease(false);
    if (!this.answerBegun) {
      this.#refuse(error);
      return;
    }
    this.#log(error);
    this.wire.destroy();
    this.#end(false);
  }

  #refuse(error: TenementError): void {
    this.#log(error);
    this.#status = error.status;
    const keep = this.#plan.mayKeep && this.body.done && this.mayKeepClient;
    this.#bytesOut += this.#client.sendPage(error, this.#plan.requestId, this.head, keep);
    this.#end(keep);
  }

  #endLease(broke: boolean): void {
    const lease = this.#lease;
    this.#lease = undefined;
    if (broke) lease?.suspect();
    else lease?.release();
  }

  #log(error: TenementError): void {
    // A 4xx is the client's doing and could fill the log at its will.
    const level = error.status >= 500 ? 'warn' : 'debug';
    const cause = error.cause instanceof Error ? error.cause.message : undefined;
    const { requestId } = this.#plan;
    this.core.options.log[level](
      { code: error.code, requestId, instance: this.#instance, cause },
      error.message,
    );
  }

  #end(keep: boolean, now = performance.now()): void {
    if (this.#ended) return;
    this.#ended = true;
    this.body.discard();
    const { tunnel } = this;
    this.core.options.onRequestEnd({
      instance: this.#instance,
      service: this.#plan.service,
      own: this.#plan.ownLease !== undefined,
      method: this.head.method,
      status: this.#status,
      durationMs: now - this.startedAt,
      bytesIn: this.body.reader.bytes + (tunnel?.bytesIn ?? 0),
      bytesOut: this.#bytesOut + (tunnel?.bytesOut ?? 0),
      client: this.#client.peer,
      requestId: this.#plan.requestId,
      head: this.head,
    });
    this.#client.exchangeEnded(keep);
  }
}
