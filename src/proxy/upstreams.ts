/**
 * What the proxy needs of the world behind it. It asks for a lease, forwards, gives the lease back, and never looks at states.
 * The supervisor implements this; the proxy imports nothing of the supervisor.
 */

/** Whom a request is for. `service`: one instance of a `balance` service, chosen by weight. */
export type Target =
  | { readonly kind: 'instance'; readonly service: string; readonly id: string }
  | { readonly kind: 'service'; readonly service: string };

export type UpstreamAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** What of a service's config the forwarding itself needs. */
export interface ForwardPolicy {
  /** Milliseconds from the last request byte forwarded to the response head. */
  readonly requestTimeoutMs: number;
  /** Bytes; undefined: unlimited. */
  readonly maxBodyBytes: number | undefined;
}

/** The right to send ONE request to an instance. It counts as activity until it is released. */
export interface Lease {
  /** `notes:alice`, for logs and metrics. */
  readonly instance: string;
  readonly address: UpstreamAddress;
  readonly policy: ForwardPolicy;
  /**
   * Aborts when what is still open must end: drain deadline passed or instance killed. The reason is a TenementError.
   * Ordinary requests and upgrades alike.
   */
  readonly closing: AbortSignal;
  /**
   * Aborts the moment the instance leaves `ready` (it drains, stops, died or is looked at): what is open goes on, but who shares
   * one lease among several requests must ask again for the next one. Absent: the lease is good for one request only.
   */
  readonly retiring?: AbortSignal;
  /** Like `suspect`, but the lease stays: other requests are open on it. */
  doubt?(): void;
  /**
   * Reports that the instance did not take or broke the connection before it answered, then releases. The supervisor looks
   * whether it is alive before it lets anyone through again, so a following `acquire` waits for the outcome.
   */
  suspect(): void;
  /**
   * Must be called when the response body or the upgraded socket has ended. Idempotent. `endedAt` (of Stopwatch.monotonic;
   * default: now) is for who tells it later, so that the idle clock stays exact.
   */
  release(endedAt?: number): void;
}

export interface AcquireOptions {
  /** Aborts when the client has gone: the caller is dropped from the wait and nothing more is started for it. */
  readonly signal: AbortSignal;
  /** True when the request has a body: refused with `quota_exceeded` when the disk quota is used up. */
  readonly hasBody: boolean;
}

export interface Upstreams {
  /**
   * `acquire` without a wait, for the many requests that need none: undefined when there has to be one.
   * @throws TenementError like `acquire`
   */
  acquireNow?(target: Target, hasBody: boolean): Lease | undefined;
  /**
   * For who chooses for many requests at once: ids of ready instances of a `balance` service, as `count` choices by weight would give
   * them. Empty when none is ready, or when there is nothing to choose.
   */
  draw?(service: string, count: number): readonly string[];
  /** Policy of a service before any lease (413 needs no wake); undefined for an unknown service. */
  policy(service: string): ForwardPolicy | undefined;
  /**
   * Waits until the target can take the request, waking it if needed, and counts the lease before anything else can happen.
   * Creates nothing for unknown names (unless the service says on_demand = "any").
   * @throws TenementError unknown_host, no_balance, start_failed, start_timeout, disabled, held, failed, backoff, queue_full,
   *   shutting_down, quota_exceeded, not_yet ...
   */
  acquire(target: Target, options: AcquireOptions): Promise<Lease>;
}
