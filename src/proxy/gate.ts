import type { IncomingMessage, ServerResponse } from 'node:http';
import { asTenementError, TenementError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { RequestBody } from './body.js';
import { isLoopback, plainAddress, TrustedProxies } from './client-address.js';
import type { EarlyBytes } from './early-bytes.js';
import type { Exchange } from './exchange.js';
import { forward, type Outcome } from './forward.js';
import { framingOf, requestHeaders } from './headers.js';
import { drainRest, lingerOnClose } from './linger.js';
import { pageFor, sendPage } from './pages.js';
import { requestIdFor } from './request-id.js';
import { isIdempotent, mayRetry } from './retry.js';
import { type RoutingTable, route } from './router.js';
import type { Lease, Target, Upstreams } from './upstreams.js';

/** One finished request, for the metrics. */
export interface RequestEnd {
  /** `notes:alice`; undefined when no lease was given: a name that a client made up never becomes a label. */
  readonly instance: string | undefined;
  /** Always a service of the config. */
  readonly service: string | undefined;
  readonly method: string;
  /** Status sent, 101 for an upgrade, 499 when the client left before any. */
  readonly status: number;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Who serves requests that are not for an instance: dashboard, API, health, metrics. */
export type HandleOwn = (
  request: IncomingMessage,
  response: ServerResponse,
  context: { readonly peerIsLoopback: boolean },
) => void;

export interface GateOptions {
  readonly upstreams: Upstreams;
  readonly table: () => RoutingTable;
  readonly handleOwn: HandleOwn;
  readonly log: Log;
  /** Addresses and CIDR ranges. */
  readonly trustedProxies: () => readonly string[];
  readonly onRequestEnd: (end: RequestEnd) => void;
}

/** What the server hands over with a request. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client sent `Expect: 100-continue` and node:http has not answered it. */
  readonly expectsContinue: boolean;
  readonly upgrade: EarlyBytes | undefined;
}

/** The way of every request: route, check, lease, forward, give the lease back. */
export class Gate {
  readonly #options: GateOptions;
  readonly #trusted = new TrustedProxies();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Whom a request is for; the server needs it before it treats an upgrade as one. */
  isOwn(request: IncomingMessage): boolean {
    return this.#route(request).kind === 'own';
  }

  /** Never rejects: a bug in one request, or in what was given to us to call, ends that request and not the server. */
  async handle(arrival: Arrival): Promise<void> {
    try {
      await this.#handle(arrival);
    } catch (err) {
      this.#options.log.error({ err }, 'a request failed inside the proxy');
      arrival.response.destroy();
    }
  }

  async #handle(arrival: Arrival): Promise<void> {
    const { request, response } = arrival;
    const peer = plainAddress(request.socket.remoteAddress);
    const trusted = this.#trusted.includes(peer, this.#options.trustedProxies());
    const requestId = requestIdFor(request.rawHeaders, trusted);
    const framing = framingOf(request.rawHeaders);
    const method = request.method ?? 'GET';
    const body = new RequestBody(request, framing ?? 'chunked', isIdempotent(method));
    const refuse = (error: TenementError) => this.#refuse(arrival, body, error, requestId);

    const routed = this.#route(request);
    const code = framing === undefined ? 'bad_request' : routed.kind === 'error' ? routed.code : undefined;
    if (code !== undefined || routed.kind === 'error' || framing === undefined) {
      const error = new TenementError(code ?? 'bad_request');
      const started = performance.now();
      const bytesOut = refuse(error);
      this.#end(undefined, undefined, method, started, { status: error.status, bytesIn: 0, bytesOut });
      return;
    }
    if (routed.kind === 'own') {
      if (arrival.expectsContinue) response.writeContinue();
      this.#options.handleOwn(request, response, { peerIsLoopback: fromThisMachine(request) });
      return;
    }

    const headers = requestHeaders(request.rawHeaders, {
      method,
      httpVersion: request.httpVersion,
      framing,
      upgrade: arrival.upgrade !== undefined,
      peerAddress: peer,
      secure: 'encrypted' in request.socket && request.socket.encrypted === true,
      rawHost: routed.rawHost,
      requestId,
      trusted,
    });
    const exchange: Exchange = {
      request,
      response,
      body,
      method,
      path: routed.path,
      headers,
      gone: goneSignal(response),
      upgrade: arrival.upgrade,
      tally: { status: 499, bytesIn: 0, bytesOut: 0 },
    };
    const started = performance.now();
    const instance = await this.#serve(exchange, routed.target, requestId, refuse);
    exchange.tally.bytesIn += body.bytes;
    if (body.unfinished) drainRest(request);
    this.#end(instance, routed.service, method, started, exchange.tally);
  }

  /** Leases and forwards until the request is answered. Returns the last instance that was leased. */
  async #serve(
    exchange: Exchange,
    target: Target,
    requestId: string,
    refuse: (error: TenementError) => number,
  ): Promise<string | undefined> {
    const { body, method, gone, tally } = exchange;
    let instance: string | undefined;
    let refused = 0;
    let resent = 0;
    try {
      this.#checkSize(exchange, target.service);
      for (;;) {
        const lease = await this.#options.upstreams.acquire(target, { signal: gone, hasBody: body.present });
        instance = lease.instance;
        const outcome = await this.#attempt(exchange, lease);
        if (outcome.kind === 'truncated') this.#log(outcome.error, requestId, instance);
        if (outcome.kind !== 'failed') return instance;
        const { phase, broke } = outcome;
        if (!mayRetry({ method, phase, broke, replayable: body.replayable, refused, resent }))
          throw outcome.error;
        if (phase === 'connecting') refused += 1;
        else resent += 1;
      }
    } catch (thrown) {
      // Nobody is there to be told, and a wait that ended for that reason is no error.
      if (gone.aborted) return instance;
      const error = asTenementError(thrown);
      this.#log(error, requestId, instance);
      tally.status = error.status;
      tally.bytesOut += refuse(error);
      return instance;
    }
  }

  /** One attempt; the lease is given back exactly once whatever happens. */
  async #attempt(exchange: Exchange, lease: Lease): Promise<Outcome> {
    let broke = false;
    try {
      const outcome = await forward(exchange, lease);
      broke = outcome.kind === 'failed' && outcome.broke;
      return outcome;
    } finally {
      if (broke) lease.suspect();
      else lease.release();
    }
  }

  /** 413 by the announced length needs no wake. */
  #checkSize(exchange: Exchange, service: string): void {
    const policy = this.#options.upstreams.policy(service);
    if (policy === undefined) throw new TenementError('unknown_host');
    const announced = Number(exchange.request.headers['content-length'] ?? 0);
    if (policy.maxBodyBytes !== undefined && announced > policy.maxBodyBytes) {
      throw new TenementError('body_too_large');
    }
  }

  #route(request: IncomingMessage) {
    return route(
      {
        rawHeaders: request.rawHeaders,
        target: request.url ?? '/',
        httpVersion: request.httpVersion,
        peerIsLoopback: fromThisMachine(request),
      },
      this.#options.table(),
    );
  }

  /** Sends our page; returns the bytes of its body. */
  #refuse(arrival: Arrival, body: RequestBody, error: TenementError, requestId: string): number {
    const { request, response } = arrival;
    if (response.headersSent || response.destroyed) return 0;
    if (body.unfinished) {
      response.shouldKeepAlive = false;
      lingerOnClose(response);
    }
    const sent = sendPage(response, pageFor(error, requestId, request.headers.accept));
    request.resume();
    return sent;
  }

  #log(error: TenementError, requestId: string, instance: string | undefined): void {
    // A 4xx is the client's doing and could fill the log at its will.
    const level = error.status >= 500 ? 'warn' : 'debug';
    const cause = error.cause instanceof Error ? error.cause.message : undefined;
    this.#options.log[level]({ code: error.code, requestId, instance, cause }, error.message);
  }

  #end(
    instance: string | undefined,
    service: string | undefined,
    method: string,
    started: number,
    tally: { status: number; bytesIn: number; bytesOut: number },
  ): void {
    const durationMs = performance.now() - started;
    this.#options.onRequestEnd({ instance, service, method, durationMs, ...tally });
  }
}

/** Aborts when the client's connection closes before the answer is complete. */
function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

/**
 * Accident stopped: a reverse proxy on this machine makes every visitor look local. Who comes with forwarding fields does not count as local.
 */
function fromThisMachine(request: IncomingMessage): boolean {
  const { headers, socket } = request;
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  return isLoopback(plainAddress(socket.remoteAddress));
}
