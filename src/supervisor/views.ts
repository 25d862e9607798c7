/** What is shown of an instance. Pure but for reading the live object. */
import { type Address, addressText } from './address.js';
import type { Health, InstanceView, State, Want } from './control.js';
import type { Instance } from './instance.js';

/** The word for a state (product.md, `ten health`). */
export function healthOf(state: State, condition: 'healthy' | 'degraded' | 'unhealthy'): Health {
  switch (state) {
    case 'ready':
    case 'draining':
      return condition;
    case 'starting':
      return 'starting';
    case 'backoff':
      return 'unhealthy';
    case 'failed':
      return 'failed';
    default:
      return 'sleeping';
  }
}

interface Facts {
  readonly key: InstanceView['key'];
  readonly want: Want;
  readonly weight: number;
  readonly backend: string;
  readonly configured: boolean;
  readonly live: Instance | undefined;
  readonly memoryBytes: number | undefined;
  readonly cpuSecs: number | undefined;
  readonly storageUsedBytes: number | undefined;
  readonly storageQuotaBytes: number | undefined;
}

export function viewOf(facts: Facts): InstanceView {
  const { live } = facts;
  const state: State = live?.state ?? 'stopped';
  const ref = live?.handle?.ref;
  const address: Address | undefined = live?.handle?.address;
  return {
    key: facts.key,
    state,
    want: live?.want ?? facts.want,
    health: healthOf(state, live?.condition ?? 'healthy'),
    address: address === undefined ? undefined : addressText(address),
    uptimeSecs: ref === undefined || live === undefined ? undefined : Math.floor(live.uptimeMs / 1000),
    idleSecs: ref === undefined || live === undefined ? undefined : Math.floor(live.idleMs / 1000),
    restarts: live?.deaths ?? 0,
    weight: facts.weight,
    pid: ref?.pid,
    // What a running one really has: the config may have changed since.
    backend: ref?.backend ?? facts.backend,
    configured: facts.configured,
    memoryBytes: facts.memoryBytes,
    cpuSecs: facts.cpuSecs,
    storageUsedBytes: facts.storageUsedBytes,
    storageQuotaBytes: facts.storageQuotaBytes,
    inFlight: live?.inFlight ?? 0,
    lastProblem: live?.lastProblem,
  };
}
