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
   * Undefined: it has to wait, and `user.given` brings it, unless the user leaves.
   */
  take(
    lease: Lease,
    user: UpstreamUser,
    want: { readonly fresh: boolean; readonly recent: boolean },
    now: number,
  ): UpstreamConnection | undefined {
    const pool = this.#poolFor(lease);
    const kept = this.#reuse(pool, user, want, now);
    if (kept !== undefined) return kept;
    if (pool.queue.open(now)) return this.#dial(pool, lease.address, user, now);
    pool.queue.add(
      {
        user,
        reuse: (then) => {
          const connection = this.#reuse(pool, user, want, then);
          if (connection !== undefined) user.given(connection);
          return connection !== undefined;
        },
        dial: (then) => user.given(this.#dial(pool, lease.address, user, then)),
      },
      now,
    );
    return undefined;
  }

  #reuse(
    pool: Pool,
    user: UpstreamUser,
    want: { readonly fresh: boolean; readonly recent: boolean },
    now: number,
  ): UpstreamConnection | undefined {
    const kept = want.fresh ? undefined : pool.take(want.recent, now);
    kept?.use(user);
    return kept;
  }

  #dial(pool: Pool, address: UpstreamAddress, user: UpstreamUser, now: number): UpstreamConnection {
    const connection = new UpstreamConnection(address, this.#options, user, (ended) => {
      pool.lost(ended, performance.now());
    });
    pool.opened(connection, now);
    return connection;
  }

  /** Waits no more for a connection. */
  leave(instance: string, user: UpstreamUser): void {
    this.#pools.get(instance)?.queue.leave(user);
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
    pool?.dropped(connection);
    connection.destroy();
  }

  /** Closes what is idle of an instance, because it is to stop. */
  dropIdle(instance: string): void {
    this.#pools.get(instance)?.dropIdle();
  }

  sweep(now: number): void {
    for (const [instance, pool] of this.#pools) {
      pool.sweep(now);
      if (pool.idle.length > 0 || pool.busy.size > 0 || !pool.queue.empty) continue;
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
      pool?.queue.flush(performance.now());
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
