/** The proxy as the worker runs it: behind all kinds of listeners. */
import type { Socket } from 'node:net';
import type { Log } from '../../base/log.js';
import { plainAddress, TrustedProxies } from '../client-address.js';
import type { RequestEnd } from '../request-end.js';
import { createProxy, type ProxyServer } from '../server.js';
import type { Upstreams } from '../upstreams.js';
import { type Listeners, listenOn } from './listeners.js';
import type { ListenSpec, PlaneConfig } from './protocol.js';
import { readProxiedPeer } from './proxied-peer.js';

export interface DataPathOptions {
  readonly upstreams: Upstreams;
  readonly config: () => PlaneConfig;
  readonly log: Log;
  readonly onRequestEnd: (end: RequestEnd) => void;
}

/** How long the end of the server waits for PROXY headers. */
const UNNAMED_MS = 500;

export class DataPath {
  readonly #config: () => PlaneConfig;
  readonly #log: Log;
  readonly #proxy: ProxyServer;
  readonly #trusted = new TrustedProxies();
  /** Connections whose PROXY header has not come yet. */
  readonly #unnamed = new Map<Socket, Promise<void>>();
  #listeners: Listeners | undefined;

  constructor({ upstreams, config, log, onRequestEnd }: DataPathOptions) {
    this.#config = config;
    this.#log = log;
    const { limits } = config();
    this.#proxy = createProxy({
      upstreams,
      table: () => config().table,
      trustedProxies: () => config().trustedProxies,
      own: () => config().own,
      log,
      onRequestEnd,
      limits: {
        headBytes: limits.maxHeadBytes,
        headTimeoutMs: limits.headTimeoutMs,
        idleMs: limits.keepAliveTimeoutMs,
      },
      fastReads: limits.fastReads ? 'auto' : 'off',
    });
  }

  /** @throws TenementError `listen_failed` */
  async listen(specs: readonly ListenSpec[]): Promise<readonly ListenSpec[]> {
    this.#listeners = await listenOn(specs, (socket) => this.#accept(socket));
    return this.#listeners.addresses;
  }

  /** Closes idle connections to an instance: a server that serves one connection after the other could not end before. */
  dropIdle(instance: string): void {
    this.#proxy.dropIdle(instance);
  }

  /** As ProxyServer.finishOpen. */
  finishOpen(options: { readonly graceMs: number }): Promise<void> {
    return this.#proxy.finishOpen(options);
  }

  async close(options: { readonly graceMs: number }): Promise<void> {
    this.#listeners?.close();
    this.#proxy.drain();
    // One that was accepted a moment ago has its header and its request on the way.
    const timer = setTimeout(
      () => {
        for (const socket of this.#unnamed.keys()) socket.destroy();
      },
      Math.min(UNNAMED_MS, options.graceMs),
    );
    await Promise.all(this.#unnamed.values());
    clearTimeout(timer);
    await this.#proxy.close(options);
  }

  #accept(socket: Socket): void {
    // A peer without an address is on a Unix socket: only who may open that is there, and that is the proxy in front.
    const local = socket.remoteAddress === undefined;
    const { proxyProtocol, trustedProxies } = this.#config();
    const trusted = local || this.#trusted.includes(plainAddress(socket.remoteAddress), trustedProxies);
    if (proxyProtocol && trusted) this.#unnamed.set(socket, this.#acceptNamed(socket, local));
    else this.#proxy.accept(socket, local);
  }

  /**
   * From a trusted proxy that says by a PROXY header who its client is. A header from anyone else is not HTTP and gets a 400.
   * Attack stopped: a visitor who names an address of his choice; or, a trusted proxy that forgets the header and lets him.
   */
  async #acceptNamed(socket: Socket, local: boolean): Promise<void> {
    socket.on('error', () => {});
    try {
      const peer = await readProxiedPeer(socket, this.#config().limits.headTimeoutMs);
      const { remoteAddress = '', remotePort = 0, localPort = 0 } = socket;
      const from = peer ?? { address: remoteAddress, port: remotePort };
      this.#proxy.handleConnection(socket, {
        remoteAddress: from.address,
        remotePort: from.port,
        localPort,
        encrypted: false,
        trusted: peer === undefined && local,
      });
      socket.resume();
    } catch (error) {
      this.#log.debug(
        { err: error, peer: socket.remoteAddress },
        'a connection without a proper PROXY header',
      );
      socket.destroy();
    } finally {
      this.#unnamed.delete(socket);
    }
  }
}
