/** The proxy's view of the supervisor: leases on instances. */
import { TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { ServiceConfig } from '../config/schema.js';
import type { AcquireOptions, ForwardPolicy, Lease, Target, Upstreams } from '../proxy/upstreams.js';
import { type Candidate, choose } from './balance.js';
import type { Instance } from './instance.js';
import type { Quotas } from './quotas.js';
import type { Registration } from './registration.js';
import type { Supervisor } from './supervisor.js';

export class SupervisedUpstreams implements Upstreams {
  readonly #supervisor: Supervisor;
  readonly #registration: Registration;
  readonly #quotas: Quotas;

  constructor(supervisor: Supervisor, registration: Registration, quotas: Quotas) {
    this.#supervisor = supervisor;
    this.#registration = registration;
    this.#quotas = quotas;
  }

  policy(service: string): ForwardPolicy | undefined {
    const config = this.#supervisor.deps.config().service[service];
    return config === undefined ? undefined : policyOf(config);
  }

  draw(name: string, count: number): readonly string[] {
    const service = this.#supervisor.deps.config().service[name];
    if (service?.balance !== true) return [];
    const ready = this.#supervisor
      .members(name)
      .map((row) => this.#candidate(row, service))
      .filter(({ condition }) => condition === 'ready');
    return Array.from({ length: count }, () => choose(ready, Math.random())?.id).filter(
      (id) => id !== undefined,
    );
  }

  async acquire(target: Target, options: AcquireOptions): Promise<Lease> {
    const service = this.#supervisor.deps.config().service[target.service];
    if (service === undefined) throw new TenementError('unknown_host');
    if (target.kind === 'instance') return this.#lease(await this.#admit(target, service), service, options);
    return this.#spread(target.service, service, options);
  }

  /** An unknown name costs nothing and leaves nothing, unless the service takes any. */
  async #admit(key: InstanceKey, service: ServiceConfig): Promise<Instance> {
    const known = this.#supervisor.find(key);
    if (known !== undefined) return known;
    if (service.on_demand !== 'any') throw new TenementError('unknown_host');
    return this.#registration.registerOnDemand(key);
  }

  async #lease(instance: Instance, service: ServiceConfig, options: AcquireOptions): Promise<Lease> {
    if (options.hasBody) this.#quotas.check(instance.key);
    const lease = await instance.acquire(options.signal);
    return {
      instance: formatKey(instance.key),
      address: lease.handle.address,
      policy: policyOf(service),
      closing: lease.closing,
      suspect: () => lease.suspect(),
      retiring: lease.retiring,
      doubt: () => lease.doubt(),
      release: (endedAt) => void lease.release(endedAt),
    };
  }

  /** Past dead ones: whoever fails is left out and the next is asked. */
  async #spread(name: string, service: ServiceConfig, options: AcquireOptions): Promise<Lease> {
    const rows = this.#supervisor.members(name);
    if (!service.balance && rows.length > 1) throw new TenementError('no_balance');
    const failed = new Set<string>();
    for (;;) {
      const candidates = rows
        .filter((row) => !failed.has(row.id))
        .map((row) => this.#candidate(row, service));
      const chosen = choose(candidates, Math.random());
      if (chosen === undefined) throw new TenementError('no_instance', undefined, { retryAfterSecs: 5 });
      try {
        const instance = this.#supervisor.get({ service: name, id: chosen.id });
        return await this.#lease(instance, service, options);
      } catch (error) {
        failed.add(chosen.id);
        const last = !candidates.some((other) => other.weight > 0 && other.id !== chosen.id);
        if (last || options.signal.aborted) throw error;
      }
    }
  }

  #candidate(
    row: { service: string; id: string; weight: number; want: string },
    service: ServiceConfig,
  ): Candidate {
    const live = this.#supervisor.live(row);
    const weight = service.balance ? row.weight : 1;
    if (live === undefined) {
      const refused = row.want === 'disabled' || row.want === 'down';
      return { id: row.id, weight, condition: refused ? 'refused' : 'asleep' };
    }
    if (live.state === 'ready') return { id: row.id, weight, condition: 'ready' };
    if (live.refusal !== undefined) return { id: row.id, weight, condition: 'refused' };
    return { id: row.id, weight, condition: live.state === 'starting' ? 'waking' : 'asleep' };
  }
}

function policyOf(service: ServiceConfig): ForwardPolicy {
  return { requestTimeoutMs: service.request_timeout * 1000, maxBodyBytes: service.max_body };
}
