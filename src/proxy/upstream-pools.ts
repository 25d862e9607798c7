import { UpstreamConnection, type UpstreamUser } from './upstream-connection.js';
import { Pool } from './upstream-pool.js';
import type { Lease, UpstreamAddress } from './upstreams.js';

/** All pools, by instance. */
export class UpstreamPools {
  readonly #pools = new Map<string, Pool>();
  readonly #options: { readonly fast: boolean; readonly headBytes: number };

  constructor(options: { readonly fast: boolean; readonly headBytes: number }) {
    this.#options = options;
  }

  /**
   * A connection for one request, connected or on its way there. `fresh`: a new one; `recent`: a new one, or one that was used a moment ago.
   */
  take(
    lease: Lease,
    user: UpstreamUser,
    want: { readonly fresh: boolean; readonly recent: boolean },
    now: number,
  ): UpstreamConnection {
    const pool = this.#poolFor(lease);
    const kept = want.fresh ? undefined : pool.take(want.recent, now);
    if (kept !== undefined) {
      kept.use(user);
      return kept;
    }
    const connection = new UpstreamConnection(lease.address, this.#options, user, (ended) => {
      pool.lost(ended, performance.now());
    });
    pool.opened(connection, now);
    return connection;
  }

  /** Instances with open connections. */
  get size(): number {
    return this.#pools.size;
  }

  answered(instance: string, connection: UpstreamConnection): void {
    this.#pools.get(instance)?.answered(connection);
  }

  /** After a whole exchange. `keep` false: closes it. */
  giveBack(instance: string, connection: UpstreamConnection, keep: boolean, now: number): void {
    const pool = this.#pools.get(instance);
    if (keep && pool?.busy.has(connection) === true && !connection.socket.destroyed) {
      pool.keep(connection, now);
      return;
    }
    pool?.busy.delete(connection);
    connection.destroy();
  }

  /** Closes what is idle of an instance, because it is to stop. */
  dropIdle(instance: string): void {
    this.#pools.get(instance)?.dropIdle();
  }

  sweep(now: number): void {
    for (const [instance, pool] of this.#pools) {
      pool.sweep(now);
      if (pool.idle.length > 0 || pool.busy.size > 0) continue;
      pool.forget();
      this.#pools.delete(instance);
    }
  }

  closeAll(): void {
    for (const pool of this.#pools.values()) pool.forget();
  }

  #poolFor(lease: Lease): Pool {
    const { instance, address } = lease;
    let pool = this.#pools.get(instance);
    // Another address is another process.
    if (pool === undefined || !sameAddress(pool.address, address)) {
      pool?.forget();
      pool = new Pool(address);
      this.#pools.set(instance, pool);
    }
    if (!lease.closing.aborted) pool.watch(lease.closing);
    return pool;
  }
}

function sameAddress(one: UpstreamAddress, other: UpstreamAddress): boolean {
  if (one === other) return true;
  if ('path' in one) return 'path' in other && one.path === other.path;
  return !('path' in other) && one.host === other.host && one.port === other.port;
}
