import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { errnoOf, TenementError } from '../base/errors.js';
import { dial } from './dial.js';
import type { Exchange } from './exchange.js';
import { pairs } from './headers.js';
import { passResponse } from './pass-response.js';
import { ResponseTimer } from './response-timer.js';
import type { Phase } from './retry.js';
import { switchProtocols } from './upgrade.js';
import type { Lease } from './upstreams.js';

/** What became of one attempt. */
export type Outcome =
  /** The client has its whole answer, or has left. */
  | { readonly kind: 'done' }
  /** The answer had begun and could not be completed: the client's connection was destroyed. */
  | { readonly kind: 'truncated'; readonly error: TenementError }
  /** The client has seen nothing of an answer yet. */
  | {
      readonly kind: 'failed';
      readonly error: TenementError;
      readonly phase: Phase;
      /** The instance refused or broke the connection. */
      readonly broke: boolean;
    };

/** Largest response head of an app. */
const MAX_HEAD = 64 * 1024;

/**
 * Sends the request to the leased instance once and passes its answer. Never rejects; the lease is left to the caller.
 *
 * One connection per request and no keep-alive pool: many apps are single-threaded, and such an app would sit on an idle pooled
 * connection while another request waits.
 */
export function forward(exchange: Exchange, lease: Lease): Promise<Outcome> {
  return new Promise((resolve) => new Attempt(exchange, lease, resolve).start());
}

class Attempt {
  #phase: Phase = 'connecting';
  #settled = false;
  /** The client can tell by itself that the body is incomplete. */
  #delimited = false;
  #socket: Socket | undefined;
  #upstream: ClientRequest | undefined;
  #stopBody: () => void = () => {};
  readonly #timer: ResponseTimer;
  readonly #exchange: Exchange;
  readonly #lease: Lease;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #onGone = () => this.#settle({ kind: 'done' });
  readonly #onClosing = () => this.#fail(this.#closingReason(), false);

  constructor(exchange: Exchange, lease: Lease, resolve: (outcome: Outcome) => void) {
    this.#exchange = exchange;
    this.#lease = lease;
    this.#resolve = resolve;
    this.#timer = new ResponseTimer(lease.policy.requestTimeoutMs, () => this.#onTimeout());
  }

  start(): void {
    const { gone, method, path, headers, upgrade } = this.#exchange;
    if (gone.aborted) this.#onGone();
    else if (this.#lease.closing.aborted) this.#onClosing();
    if (this.#settled) return;
    gone.addEventListener('abort', this.#onGone);
    this.#lease.closing.addEventListener('abort', this.#onClosing);
    const socket = dial(this.#lease.address, upgrade !== undefined);
    this.#socket = socket;
    // Until node:http takes the socket over, and after it let go of it.
    socket.on('error', () => {});
    this.#timer.restart();
    try {
      // With a flat list node:http keeps order, case and repetitions, and adds nothing of its own.
      const upstream = httpRequest({
        method,
        path,
        headers: [...headers],
        maxHeaderSize: MAX_HEAD,
        createConnection: () => socket,
      });
      this.#listen(upstream, socket);
    } catch (error) {
      socket.destroy();
      this.#fail(new TenementError('bad_request', undefined, { cause: error }), false);
    }
  }

  #listen(upstream: ClientRequest, socket: Socket): void {
    this.#upstream = upstream;
    upstream.maxHeadersCount = 0;
    socket.once('connect', () => this.#onConnect(upstream));
    upstream.on('continue', () => this.#onContinue());
    upstream.on('information', (info) => this.#onInformation(info));
    upstream.on('response', (answer) => this.#onResponse(answer));
    upstream.on('upgrade', (answer, peer, head) => this.#onUpgrade(answer, peer as Socket, head));
    upstream.on('error', (error) => this.#onError(error));
    upstream.on('close', () => this.#onError(new Error('the connection was closed')));
  }

  #onConnect(upstream: ClientRequest): void {
    if (this.#settled) return;
    this.#phase = 'sent';
    this.#timer.restart();
    // The app has to say whether it wants the body, or the client to go ahead unasked.
    const expects = this.#exchange.request.headers.expect !== undefined;
    if (this.#exchange.body.present && !expects) this.#timer.stop();
    // An app may answer before the first byte of a body, which would otherwise bring the head along.
    if (this.#exchange.body.present) upstream.flushHeaders();
    upstream.on('finish', () => this.#turn('app'));
    this.#stopBody = this.#exchange.body.pump(upstream, {
      limit: this.#lease.policy.maxBodyBytes,
      tooLarge: () => this.#fail(new TenementError('body_too_large'), false),
      turn: (whose) => this.#turn(whose),
    });
  }

  #turn(whose: 'app' | 'client'): void {
    if (this.#settled || this.#exchange.response.headersSent) return;
    if (whose === 'app') this.#timer.restart();
    else this.#timer.stop();
  }

  #onContinue(): void {
    if (this.#settled) return;
    this.#phase = 'answered';
    if (this.#exchange.request.httpVersion !== '1.1') return;
    this.#exchange.response.writeContinue();
    if (this.#exchange.body.unfinished) this.#turn('client');
  }

  /** 102, 103 and what may come: passed as it is. */
  #onInformation(info: { statusCode: number; statusMessage: string; rawHeaders: string[] }): void {
    if (this.#settled || info.statusCode === 100) return;
    this.#phase = 'answered';
    const { response, request } = this.#exchange;
    // An HTTP/1.0 client knows no 1xx; a pipelined request whose turn has not come has no socket.
    if (request.httpVersion !== '1.1' || response.socket === null || response.headersSent) return;
    const fields = [...pairs(info.rawHeaders)].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    response.socket.write(`HTTP/1.1 ${info.statusCode} ${info.statusMessage}\r\n${fields}\r\n`, 'latin1');
  }

  #onResponse(answer: IncomingMessage): void {
    if (this.#settled) return;
    this.#phase = 'answered';
    this.#timer.stop();
    this.#delimited =
      answer.headers['content-length'] !== undefined || this.#exchange.request.httpVersion === '1.1';
    passResponse(answer, this.#exchange, {
      done: () => this.#settle({ kind: 'done' }),
      failed: (cause) => this.#fail(new TenementError('upstream_failed', undefined, { cause }), false),
    });
  }

  #onUpgrade(answer: IncomingMessage, peer: Socket, head: Buffer): void {
    if (this.#settled) return;
    this.#phase = 'answered';
    const { upgrade } = this.#exchange;
    if (upgrade === undefined) {
      this.#fail(
        new TenementError('upstream_failed', 'The app switched protocols without being asked'),
        false,
      );
      return;
    }
    this.#timer.stop();
    const ended = switchProtocols(answer, peer, head, upgrade, this.#exchange);
    void ended.then(() => this.#settle({ kind: 'done' }));
  }

  #onError(error: Error): void {
    const { response, upgrade } = this.#exchange;
    // After the head, passResponse sees the break by itself and still has what was received before it.
    if (this.#settled || response.headersSent || upgrade?.switched === true) return;
    // A parse error means that something was answered, though nothing that makes sense.
    const nonsense = errnoOf(error)?.startsWith('HPE_') ?? false;
    if (nonsense) this.#phase = 'answered';
    this.#fail(new TenementError('upstream_failed', undefined, { cause: error }), !nonsense);
  }

  #onTimeout(): void {
    const waited = this.#phase === 'connecting' ? 'took no connection' : 'sent no response head';
    const seconds = this.#lease.policy.requestTimeoutMs / 1000;
    const message = `${this.#lease.instance} ${waited} within ${seconds} s (request_timeout)`;
    this.#fail(new TenementError('response_timeout', message), false);
  }

  #closingReason(): TenementError {
    const reason: unknown = this.#lease.closing.reason;
    return reason instanceof TenementError ? reason : new TenementError('shutting_down');
  }

  #fail(error: TenementError, broke: boolean): void {
    if (this.#settled) return;
    const { response, upgrade } = this.#exchange;
    if (upgrade?.switched === true) {
      this.#settle({ kind: 'truncated', error });
      upgrade.socket.destroy();
    } else if (response.headersSent) {
      this.#settle({ kind: 'truncated', error });
      // A body that ends with the connection must not end cleanly, or the client takes a part for the whole.
      if (this.#delimited) response.destroy();
      else response.socket?.resetAndDestroy();
    } else this.#settle({ kind: 'failed', error, phase: this.#phase, broke });
  }

  #settle(outcome: Outcome): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#timer.stop();
    this.#stopBody();
    this.#exchange.gone.removeEventListener('abort', this.#onGone);
    this.#lease.closing.removeEventListener('abort', this.#onClosing);
    this.#upstream?.destroy();
    this.#socket?.destroy();
    this.#resolve(outcome);
  }
}
