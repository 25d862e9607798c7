import type { ExecutionContext } from 'ava';
import type { TenementError } from '../../src/base/errors.js';
import { type Log, silentLog } from '../../src/base/log.js';
import { type Plane, startPlane } from '../../src/proxy/plane/plane.js';
import type { ListenSpec, PlaneConfig, Report } from '../../src/proxy/plane/protocol.js';
import type {
  AcquireOptions,
  ForwardPolicy,
  Lease,
  Target,
  UpstreamAddress,
  Upstreams,
} from '../../src/proxy/upstreams.js';
import { until } from './until.js';

const POLICY: ForwardPolicy = { requestTimeoutMs: 20_000, maxBodyBytes: undefined };

/** What the main thread's side saw of one lease. */
export class SeenLease {
  readonly closing = new AbortController();
  readonly retiring = new AbortController();
  doubted = 0;
  /** What `release` was given. */
  endedAt: number | undefined;
  released = false;
  readonly target: Target;

  constructor(target: Target) {
    this.target = target;
  }

  abort(why: TenementError): void {
    this.closing.abort(why);
  }
}

/** The supervisor as the plane sees it, played by a test. */
export class PlayedUpstreams implements Upstreams {
  readonly leases: SeenLease[] = [];
  /** Waits that were withdrawn. */
  abandoned = 0;
  asked = 0;
  /** Where the next lease leads; may wait or throw. */
  address: (target: Target, options: AcquireOptions) => UpstreamAddress | Promise<UpstreamAddress>;

  constructor(address: PlayedUpstreams['address']) {
    this.address = address;
  }

  /** Choices for a service that spreads. */
  deck: readonly string[] = [];

  draw(): readonly string[] {
    return this.deck;
  }

  get open(): number {
    return this.leases.filter((lease) => !lease.released).length;
  }

  policy(): ForwardPolicy {
    return POLICY;
  }

  async acquire(target: Target, options: AcquireOptions): Promise<Lease> {
    this.asked += 1;
    options.signal.addEventListener('abort', () => {
      this.abandoned += 1;
    });
    const address = await this.address(target, options);
    const seen = new SeenLease(target);
    this.leases.push(seen);
    const release = (endedAt?: number) => {
      if (seen.released) return;
      seen.released = true;
      seen.endedAt = endedAt;
    };
    return {
      instance: target.kind === 'instance' ? `${target.service}:${target.id}` : `${target.service}:one`,
      address,
      policy: POLICY,
      closing: seen.closing.signal,
      retiring: seen.retiring.signal,
      doubt: () => {
        seen.doubted += 1;
        seen.retiring.abort();
      },
      suspect: () => release(),
      release,
    };
  }
}

export interface PlaneFixture {
  readonly plane: Plane;
  readonly port: number;
  readonly reports: Report[];
  readonly config: PlaneConfig;
}

export const planeConfig = (changes: Partial<PlaneConfig> = {}): PlaneConfig => ({
  table: {
    domain: 'test',
    services: new Map([
      ['app', { balance: false }],
      ['spread', { balance: true }],
      ['small', { balance: false }],
    ]),
    tenants: 'app',
    default: 'app',
    subdomain: new Map(),
    path: [],
  },
  services: new Map([
    ['app', { forward: POLICY, quota: false }],
    ['spread', { forward: POLICY, quota: false }],
    ['small', { forward: POLICY, quota: true }],
  ]),
  trustedProxies: [],
  proxyProtocol: false,
  limits: { headTimeoutMs: 10_000, maxHeadBytes: 65_536, keepAliveTimeoutMs: 75_000, fastReads: true },
  accessLog: undefined,
  own: { host: '127.0.0.1', port: 1 },
  ...changes,
});

interface FixtureOptions {
  readonly config?: Partial<PlaneConfig>;
  readonly listen?: readonly ListenSpec[];
  readonly log?: Log;
}

/** The worker has told what it had counted, and has seen each message that was sent to it before. */
export async function collected(plane: Plane): Promise<void> {
  // It answers false when the worker takes longer than whoever wants the numbers would wait.
  await until('the worker answers', () => plane.collect());
}

/** A real worker on a free port of loopback, domain `test`: `a.app.test` and `a.test` reach instance `app:a`. */
export async function runPlane(
  t: ExecutionContext,
  upstreams: Upstreams,
  options: FixtureOptions = {},
): Promise<PlaneFixture> {
  const reports: Report[] = [];
  const config = planeConfig(options.config);
  const plane = await startPlane({
    listen: options.listen ?? [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    config,
    upstreams,
    log: options.log ?? silentLog,
    onReport: (report) => reports.push(report),
    onLost: () => {},
  });
  t.teardown(() => plane.close({ graceMs: 0 }));
  const tcp = plane.addresses.find((address) => address.kind === 'tcp');
  return { plane, port: tcp?.port ?? 0, reports, config };
}
