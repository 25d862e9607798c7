import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { errnoOf, TenementError } from '../base/errors.js';
import { onClientError, refuseConnect } from './client-error.js';
import { EarlyBytes } from './early-bytes.js';
import { Gate, type GateOptions } from './gate.js';
import { isLingering } from './linger.js';
import { pageFor, sendPage } from './pages.js';
import { requestIdFor } from './request-id.js';
import { isRealUpgrade, withoutUpgrade } from './upgrade-request.js';

export interface ListenAddress {
  /** An address, IPv6 with or without brackets; '0.0.0.0' and '::' for all. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

export interface ProxyServer {
  /**
   * Listens on all addresses or on none. Returns them with their ports.
   * @throws TenementError `listen_failed`, with `errno` in its details.
   */
  listen(addresses: readonly ListenAddress[]): Promise<ListenAddress[]>;
  /** Stops accepting, lets open requests end for at most `graceMs`, then destroys what is left. Idempotent. */
  close(options: { readonly graceMs: number }): Promise<void>;
}

/** Connections and requests in, answers out: the data path of the server. */
export function createProxy(options: GateOptions): ProxyServer {
  return new HttpProxy(options);
}

/** Attack stopped: slow heads (slowloris). Bodies have no limit in time: uploads may last. */
const HEAD_TIMEOUT_MS = 10_000;
const LIMITS = {
  headersTimeout: HEAD_TIMEOUT_MS,
  connectionsCheckingInterval: 2000,
  requestTimeout: 0,
  keepAliveTimeout: 75_000,
  maxHeaderSize: 64 * 1024,
  insecureHTTPParser: false,
  // We check Host ourselves, to answer with our page.
  requireHostHeader: false,
  // A client that vanished without a word is found out in the end.
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
  noDelay: true,
};

class HttpProxy implements ProxyServer {
  readonly #gate: Gate;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /** Requests in progress by connection. */
  readonly #open = new Map<Socket, Set<ServerResponse>>();
  #closing = false;
  #closed: Promise<void> | undefined;

  constructor(options: GateOptions) {
    this.#gate = new Gate(options);
  }

  async listen(addresses: readonly ListenAddress[]): Promise<ListenAddress[]> {
    const started: Server[] = [];
    try {
      const bound: ListenAddress[] = [];
      for (const address of addresses) {
        const server = this.#createServer();
        started.push(server);
        bound.push({ host: address.host, port: await bind(server, address, addresses) });
      }
      this.#servers.push(...started);
      return bound;
    } catch (error) {
      for (const server of started) server.close();
      throw error;
    }
  }

  close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    this.#closing = true;
    const ended = this.#servers.map((server) => new Promise<void>((done) => server.close(() => done())));
    // A connection without a request has nothing to wait for, also one that never sent any.
    for (const socket of this.#sockets) if (!this.#open.has(socket)) socket.destroy();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await Promise.all(ended);
    clearTimeout(timer);
  }

  #createServer(): Server {
    const server = createServer(LIMITS);
    // Their number is bounded by their size; node:http would silently drop those above 2000.
    server.maxHeadersCount = 0;
    server.on('connection', (socket) => this.#track(socket));
    server.on('request', (request, response) => this.#arrived(request, response, false));
    server.on('checkContinue', (request, response) => this.#arrived(request, response, true));
    server.on('checkExpectation', (request, response) => this.#arrived(request, response, false));
    server.on('upgrade', (request, socket, head) => this.#upgrade(server, request, socket as Socket, head));
    server.on('connect', (_request, socket) => refuseConnect(socket as Socket));
    server.on('clientError', (error, socket) =>
      onClientError(error, socket as Socket, this.#open.get(socket as Socket)),
    );
    return server;
  }

  #track(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    // Also while no parser is attached, an error of the connection must not end the process.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#open.delete(socket);
    });
  }

  #arrived(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    // Pipelined behind a request whose answer ends the connection: it can't be answered, so it must not be executed.
    if (isLingering(request.socket)) {
      request.socket.destroy();
      return;
    }
    this.#begin(request, response);
    if (this.#refusedWhileClosing(request, response)) return;
    void this.#gate.handle({ request, response, expectsContinue, upgrade: undefined });
  }

  #upgrade(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (!isRealUpgrade(request) || this.#gate.isOwn(request)) {
      // Read again as the ordinary request that it is without its Upgrade header.
      socket.unshift(Buffer.concat([withoutUpgrade(request), head]));
      server.emit('connection', socket);
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    const upgrade = new EarlyBytes(socket, head);
    // node:http does both for the responses that it makes itself.
    socket.on('drain', () => response.emit('drain'));
    response.once('finish', () => {
      upgrade.take();
      response.detachSocket(socket);
      response.emit('close');
      socket.destroySoon();
    });
    this.#begin(request, response);
    if (this.#refusedWhileClosing(request, response)) return;
    void this.#gate.handle({ request, response, expectsContinue: false, upgrade });
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const open = this.#open.get(socket) ?? new Set();
    this.#open.set(socket, open.add(response));
    request.on('error', () => {});
    response.once('close', () => {
      open.delete(response);
      if (open.size > 0) return;
      this.#open.delete(socket);
      if (this.#closing) socket.destroySoon();
    });
  }

  /** A kept connection may still bring requests after we have stopped accepting. */
  #refusedWhileClosing(request: IncomingMessage, response: ServerResponse): boolean {
    if (!this.#closing) return false;
    response.shouldKeepAlive = false;
    const error = new TenementError('shutting_down');
    sendPage(response, pageFor(error, requestIdFor([], false), request.headers.accept));
    return true;
  }
}

function bind(server: Server, address: ListenAddress, all: readonly ListenAddress[]): Promise<number> {
  const host = address.host.replace(/^\[(.*)\]$/, '$1');
  // '::' takes IPv4 as well, unless IPv4 was asked for by itself.
  const ipv6Only = host === '::' && all.some((other) => other.host === '0.0.0.0');
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `Cannot listen on ${address.host} port ${address.port}: ${cause.message}`;
      reject(new TenementError('listen_failed', message, { cause, details: { errno: errnoOf(cause) } }));
    });
    server.listen({ host, port: address.port, ipv6Only }, () => {
      server.removeAllListeners('error');
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? bound.port : address.port);
    });
  });
}
