import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { TrustedProxies } from './client-address.js';
import { ClientConnection } from './client-connection.js';
import { type ConnectionInfo, type Core, DEFAULT_LIMITS, type ProxyOptions } from './core.js';
import { withFastReads } from './fast-socket.js';
import { bind, type ListenAddress } from './listen.js';
import { UpstreamPools } from './upstream-pools.js';

export interface ProxyServer {
  /**
   * Listens on all addresses or on none. Returns them with their ports.
   * @throws TenementError `listen_failed`, with `errno` in its details.
   */
  listen(addresses: readonly ListenAddress[]): Promise<ListenAddress[]>;
  /** Serves a connection that came another way, such as the inside of TLS. It must allow half-open ends. */
  handleConnection(stream: Duplex, info: ConnectionInfo): void;
  /**
   * Serves a socket of a server with `allowHalfOpen` and, for fast reads, `pauseOnConnect`. `trusted`: see ConnectionInfo. The socket must not be used
   * afterwards.
   */
  accept(socket: Socket, trusted?: boolean): void;
  /** Closes idle connections to an instance, because it is to stop. */
  dropIdle(instance: string): void;
  /** From now on each answer is the last one of its connection. Idempotent. */
  drain(): void;
  /**
   * Drains, and resolves when the requests have ended that are open now, which is cut short after `graceMs`. Meanwhile others are accepted and
   * served: `close` then has little to wait for.
   */
  finishOpen(options: { readonly graceMs: number }): Promise<void>;
  /**
   * Drains, stops accepting, lets open requests end for at most `graceMs`, then destroys what is left. A connection without a request is
   * waited for a moment: one may be on its way. Idempotent.
   */
  close(options: { readonly graceMs: number }): Promise<void>;
}

/** Connections and requests in, answers out: the data path of the server. */
export function createProxy(options: ProxyOptions): ProxyServer {
  return new HttpProxy(options);
}

/** One coarse clock for all deadlines: a timer per request would cost more than most of what it guards. */
const SWEEP_MS = 500;
/**
 * How long the end waits for requests on connections without any: for the way of the first one on a connection that was accepted right
 * before, and for clients that use theirs again and again.
 */
const QUIET_MS = 500;
/** How often the requests are looked at that are waited for. */
const LOOK_MS = 50;
/** A client that vanished without a word is found out in the end. */
const KEEP_ALIVE_MS = 60_000;

class HttpProxy implements ProxyServer {
  readonly #core: Core;
  readonly #fast: boolean;
  readonly #servers: Server[] = [];
  readonly #connections = new Set<ClientConnection>();
  #sweeper: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: ProxyOptions) {
    this.#fast = options.fastReads !== 'off';
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#core = {
      options,
      limits,
      pools: new UpstreamPools({ fast: this.#fast, headBytes: limits.headBytes }),
      trusted: new TrustedProxies(),
      draining: false,
      closing: false,
    };
  }

  async listen(addresses: readonly ListenAddress[]): Promise<ListenAddress[]> {
    const started: Server[] = [];
    try {
      const bound: ListenAddress[] = [];
      for (const address of addresses) {
        const server = createServer(
          { allowHalfOpen: true, noDelay: true, pauseOnConnect: this.#fast },
          (socket) => this.accept(socket),
        );
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

  accept(accepted: Socket, trusted = false): void {
    const { remoteAddress = '', remotePort = 0, localPort = 0 } = accepted;
    accepted.setKeepAlive(true, KEEP_ALIVE_MS);
    const connection = this.#add({ remoteAddress, remotePort, localPort, encrypted: false, trusted });
    const fast = this.#fast ? withFastReads(accepted, connection.wire) : undefined;
    connection.attach(fast ?? accepted, fast !== undefined);
    if (fast === undefined) accepted.resume();
  }

  handleConnection(stream: Duplex, info: ConnectionInfo): void {
    this.#add(info).attach(stream, false);
  }

  #add(info: ConnectionInfo): ClientConnection {
    const connection = new ClientConnection(this.#core, info, (gone) => {
      this.#connections.delete(gone);
      if (this.#connections.size === 0) this.#onEmpty?.();
    });
    this.#connections.add(connection);
    // Timers come before what has arrived: after a pause of this process that is read first, or it would be cut off as late.
    this.#sweeper ??= setInterval(() => setImmediate(() => this.#sweep()), SWEEP_MS);
    return connection;
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.sweep(now);
    this.#core.pools.sweep(now);
    if (this.#connections.size > 0 || this.#core.pools.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  dropIdle(instance: string): void {
    this.#core.pools.dropIdle(instance);
  }

  drain(): void {
    this.#core.draining = true;
  }

  async finishOpen({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.drain();
    const deadline = performance.now() + graceMs;
    const open = [...this.#connections].map((connection) => [connection, connection.answering] as const);
    for (;;) {
      const left = open.filter(([one, exchange]) => exchange !== undefined && one.answering === exchange);
      if (left.length === 0) return;
      if (performance.now() >= deadline) {
        for (const [connection] of left) connection.wire.destroy();
        return;
      }
      await sleep(LOOK_MS);
    }
  }

  close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    this.drain();
    const deadline = performance.now() + graceMs;
    const ended = this.#servers.map((server) => new Promise<void>((done) => server.close(() => done())));
    // Accident stopped: a connection that was accepted a moment ago is reset, with its request unread.
    await this.#empty(Math.min(QUIET_MS, graceMs));
    // Timers come before what has arrived: after a pause of this process that is to be read first.
    if (graceMs > 0) await nextTurn();
    this.#core.closing = true;
    for (const connection of this.#connections) connection.shutDown();
    await this.#empty(deadline - performance.now());
    if (this.#connections.size > 0) {
      for (const connection of this.#connections) connection.wire.destroy();
      await this.#empty(undefined);
    }
    await Promise.all(ended);
    this.#core.pools.closeAll();
    clearInterval(this.#sweeper);
  }

  /** Resolves when there are no connections, or after so long. */
  #empty(ms: number | undefined): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((done) => {
      const timer = ms === undefined ? undefined : setTimeout(done, Math.max(0, ms));
      this.#onEmpty = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
