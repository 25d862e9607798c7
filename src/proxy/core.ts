import type { Log } from '../base/log.js';
import type { TrustedProxies } from './client-address.js';
import type { RequestEnd } from './request-end.js';
import type { RoutingTable } from './router.js';
import type { UpstreamPools } from './upstream-pools.js';
import type { UpstreamAddress, Upstreams } from './upstreams.js';

/** Limits against clients that are slow or large. */
export interface ProxyLimits {
  /** Most bytes of a request's or response's head. */
  readonly headBytes: number;
  /** Milliseconds from a head's first byte to its last. */
  readonly headTimeoutMs: number;
  /** Milliseconds that a connection may be without a request. */
  readonly idleMs: number;
}

/** Attack stopped: slow heads (slowloris). Bodies have no limit in time: uploads may last. */
export const DEFAULT_LIMITS: ProxyLimits = { headBytes: 64 * 1024, headTimeoutMs: 10_000, idleMs: 75_000 };

export interface ProxyOptions {
  readonly upstreams: Upstreams;
  /** Asked for each request: give the same object as long as nothing changed. */
  readonly table: () => RoutingTable;
  /** Where requests go that are not for an instance: dashboard, API, health, metrics. */
  readonly own: () => UpstreamAddress;
  readonly log: Log;
  /** Addresses and CIDR ranges. */
  readonly trustedProxies: () => readonly string[];
  readonly onRequestEnd: (end: RequestEnd) => void;
  readonly limits?: Partial<ProxyLimits>;
  /** `auto`: read into reused buffers where the runtime allows it. */
  readonly fastReads?: 'auto' | 'off';
}

/** What all connections of one proxy share. */
export interface Core {
  readonly options: ProxyOptions;
  readonly limits: ProxyLimits;
  readonly pools: UpstreamPools;
  readonly trusted: TrustedProxies;
  /** The end is near: what comes is served still, and each answer says that its connection ends with it. */
  draining: boolean;
  /** No new requests. */
  closing: boolean;
}

/** Where a client connection comes from. */
export interface ConnectionInfo {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly encrypted: boolean;
  readonly alpn?: string | undefined;
  /** Believed like an address in trusted_proxies: a proxy in front that came over a Unix socket. */
  readonly trusted?: boolean;
}
