import type { AddressInfo, Server } from 'node:net';
import { TenementError } from '../../src/base/errors.js';
import type {
  AcquireOptions,
  ForwardPolicy,
  Lease,
  Target,
  UpstreamAddress,
  Upstreams,
} from '../../src/proxy/upstreams.js';

/** An Upstreams whose instances are whatever the test listens with. It counts what the proxy must get right. */
export class FakeUpstreams implements Upstreams {
  policyValue: ForwardPolicy = { requestTimeoutMs: 20_000, maxBodyBytes: undefined };
  /** Leases given and not yet given back. */
  open = 0;
  acquired = 0;
  suspected = 0;
  readonly targets: Target[] = [];
  readonly closing = new AbortController();
  /** Where the next lease leads; may wait or throw. */
  address: (target: Target, options: AcquireOptions) => UpstreamAddress | Promise<UpstreamAddress> = () => {
    throw new TenementError('unknown_host');
  };

  policy(): ForwardPolicy {
    return this.policyValue;
  }

  async acquire(target: Target, options: AcquireOptions): Promise<Lease> {
    this.acquired += 1;
    this.targets.push(target);
    const address = await this.address(target, options);
    this.open += 1;
    let released = false;
    const release = () => {
      if (!released) this.open -= 1;
      released = true;
    };
    return {
      instance: target.kind === 'instance' ? `${target.service}:${target.id}` : `${target.service}:any`,
      address,
      policy: this.policyValue,
      closing: this.closing.signal,
      suspect: () => {
        this.suspected += 1;
        release();
      },
      release,
    };
  }
}

/** Address of a listening server. */
export function addressOf(server: Server): { host: string; port: number } {
  const { port } = server.address() as AddressInfo;
  return { host: '127.0.0.1', port };
}
