/** Pure: what `isolation = "auto"` means on a machine. */
import type { Backend, BackendId, Host, Network, Spec } from './contract.js';

/** What a service asks for that not every backend can give. */
export interface Asked {
  readonly network: Network;
  readonly listen: 'port' | 'unix' | 'fd';
  /** The tool, when `sandbox` is chosen. */
  readonly sandbox?: Spec['sandbox'] | undefined;
}

/** From strong to weak. */
const ORDER = ['systemd', 'sandbox', 'namespace', 'process'] as const satisfies readonly BackendId[];

/** What `auto` can become. */
export type Strongest = (typeof ORDER)[number];

/**
 * The strongest backend that works here and can give what is asked for. When only `process` is left and the network is not the machine's: `namespace`,
 * so that the start says what this machine lacks for it, and nothing runs with more of a network than it was given.
 */
export function strongest(backends: ReadonlyMap<BackendId, Backend>, host: Host, asked: Asked): Strongest {
  const works = ORDER.find((id) => {
    const support = backends.get(id)?.probe(host, asked.sandbox);
    // What is away for a while is no reason to keep instances less apart, and others beside it.
    const gets = support?.supported === true || support?.code === 'systemd_away';
    return gets && gives(id, host, asked);
  });
  return works ?? 'namespace';
}

function gives(id: Strongest, host: Host, { network, listen }: Asked): boolean {
  // A unit takes no socket of the server's, neither for itself nor for a forwarder.
  if (id === 'systemd') return network === 'host' ? listen !== 'fd' : network === 'none' && listen === 'unix';
  if (network === 'host') return true;
  if (id === 'process') return false;
  // `egress` is `none` with a way out.
  return id === 'sandbox' || host.namespaces?.none.works === true;
}
