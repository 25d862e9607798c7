/**
 * What the main thread and the worker that carries all traffic say to each other. Plain data, copied by structured clone; messages
 * of one direction arrive in the order in which they were sent, and much below relies on that.
 *
 * A **grant** is one real lease that the main thread holds on a ready instance for the worker, which counts any number of its own
 * requests on it. So a busy instance costs no round trip, and the supervisor still knows that it is in use.
 */
import type { RoutingTable } from '../router.js';
import type { ForwardPolicy, Target, UpstreamAddress } from '../upstreams.js';
import type { WireError } from './wire-error.js';

/** Where the worker listens. */
export type ListenSpec =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A Unix socket, mode 0660: for a reverse proxy in front, whose forwarding headers are believed. */
  | { readonly kind: 'unix'; readonly path: string }
  /** A listening socket that this process inherited. */
  | { readonly kind: 'fd'; readonly fd: number; readonly name: string };

export interface ServicePolicy {
  readonly forward: ForwardPolicy;
  /** Requests with a body are checked against the disk quota, each by itself. */
  readonly quota: boolean;
}

/** What a reload can change while connections stay open. */
export interface PlaneConfig {
  readonly table: RoutingTable;
  readonly services: ReadonlyMap<string, ServicePolicy>;
  /** Addresses and CIDR ranges. */
  readonly trustedProxies: readonly string[];
  /** Connections from `trustedProxies` begin with a PROXY protocol header. */
  readonly proxyProtocol: boolean;
  readonly limits: PlaneLimits;
  readonly accessLog: AccessLogConfig | undefined;
  /** Who answers what is ours: API, dashboard, health, metrics. */
  readonly own: UpstreamAddress;
}

export interface PlaneLimits {
  readonly headTimeoutMs: number;
  readonly maxHeadBytes: number;
  readonly keepAliveTimeoutMs: number;
  /** Read sockets into one reused buffer where Node allows it. */
  readonly fastReads: boolean;
}

export interface AccessLogConfig {
  /** Absolute path, or standard output. */
  readonly to: { readonly path: string } | 'stdout';
  readonly format: 'json' | 'combined';
}

/** Handed to a new worker. */
export interface PlaneStart {
  readonly config: PlaneConfig;
  /** Level of what the worker tells the server's own log. */
  readonly logLevel: string;
}

export type ToWorker =
  | { readonly type: 'config'; readonly config: PlaneConfig }
  | { readonly type: 'listen'; readonly addresses: readonly ListenSpec[] }
  /** The answer to `acquire`: the instance is ready and counted as in use until `return`. */
  | {
      readonly type: 'grant';
      readonly id: number;
      readonly grant: number;
      readonly instance: string;
      readonly address: UpstreamAddress;
      /** For a service that spreads: ids by weight, one for each of the next requests. */
      readonly deck?: readonly string[];
    }
  /** What was said of a service's instances and weights no longer holds. */
  | { readonly type: 'redraw'; readonly service: string }
  /** No grant is out, and none will be before its processes were held for a while: no connection to it may be kept. */
  | { readonly type: 'frozen'; readonly instance: string }
  | { readonly type: 'refuse'; readonly id: number; readonly error: WireError }
  /** Begin nothing new on it; what is open goes on. */
  | { readonly type: 'revoke'; readonly grant: number }
  /** End what is open on it. */
  | { readonly type: 'abort'; readonly grant: number; readonly error: WireError }
  /** Send a report now, and then `reported` with this id. */
  | { readonly type: 'collect'; readonly id: number }
  /** Open the access log's file anew: it was moved away (logrotate). */
  | { readonly type: 'reopen' }
  | { readonly type: 'finish'; readonly graceMs: number }
  | { readonly type: 'close'; readonly graceMs: number };

export type FromWorker =
  | { readonly type: 'listening'; readonly addresses: readonly ListenSpec[] }
  | { readonly type: 'listen-failed'; readonly error: WireError }
  | { readonly type: 'acquire'; readonly id: number; readonly target: Target; readonly hasBody: boolean }
  /** The client of this `acquire` has left; if a grant is on its way, it comes back by `return`. */
  | { readonly type: 'abandon'; readonly id: number }
  /** `idleSince`: when its last request ended, of Stopwatch.monotonic: both threads count from the same moment. */
  | { readonly type: 'return'; readonly grant: number; readonly idleSince: number }
  /** A connection to it broke before it answered; the grant stays open for the other requests on it. */
  | { readonly type: 'suspect'; readonly grant: number }
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'reported'; readonly id: number }
  /** One line as pino writes it, for the server's own log. */
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'finished' }
  | { readonly type: 'closed' };

/** What happened since the last report. */
export interface Report {
  readonly requests: readonly RequestCounts[];
  /** Open requests and upgrades now, by instance; who has none is left out. */
  readonly inFlight: ReadonlyMap<string, number>;
}

/** Upper bounds in seconds; each duration is counted in the first bucket that takes it, or in the last one (more than 30 s). */
export const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export interface RequestCounts {
  /** `notes:alice`; undefined: no lease was given. */
  readonly instance: string | undefined;
  readonly service: string | undefined;
  /** Number of answers by first digit of the status: index 1 is 1xx (upgrades), 2 is 2xx ... 5. */
  readonly classes: readonly number[];
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** One number for each of DURATION_BUCKETS and one for what took longer. */
  readonly durations: readonly number[];
  readonly durationSumSecs: number;
}
