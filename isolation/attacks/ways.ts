/** Pure: the ways of keeping instances apart that are measured on a machine, and what each of them promises. */

import type { Backend, BackendId, Host, Network } from '../contract.js';
import { missingForUplink } from '../network/uplink.js';
import { ATTACKS, type AttackId } from './catalog.js';

/** A backend with what decides how much it can give. */
export interface Way {
  readonly backend: BackendId;
  readonly network: Network;
  /** Each instance has a user of its own. */
  readonly ownUser: boolean;
  /** The firewall keeps its user from others' ports on loopback. */
  readonly guarded: boolean;
  /** A filter of system calls is in force. */
  readonly filtered: boolean;
}

/** How it is called in tables. */
export function nameOf({ backend, network, ownUser }: Way): string {
  if (backend === 'process') return ownUser ? 'process, own user' : 'process';
  return `${backend}, network ${network}`;
}

const MEASURED: readonly (readonly [BackendId, Network])[] = [
  ['process', 'host'],
  ['namespace', 'host'],
  ['namespace', 'none'],
  ['namespace', 'egress'],
  ['sandbox', 'host'],
  ['sandbox', 'none'],
  ['sandbox', 'egress'],
  ['systemd', 'host'],
  ['systemd', 'none'],
  ['socket-activation', 'host'],
  ['socket-activation', 'none'],
];
/** Units are given a network by systemd, whatever else works here. */
const UNITS: readonly BackendId[] = ['systemd', 'socket-activation'];

/** Those that work here. As root, `process` with a user of its own: what runs as root itself needs no measuring, everything is open to it. */
export function waysOf(host: Host, backends: ReadonlyMap<BackendId, Backend>): Way[] {
  return MEASURED.filter(
    ([id, network]) => backends.get(id)?.probe(host).supported && hasNetwork(id, network, host),
  ).map(([backend, network]) => wayOf(host, backend, network, host.root));
}

/** That way on this machine, whether it works or not. */
export function wayOf(host: Host, backend: BackendId, network: Network, ownUser: boolean): Way {
  const isolated = backend !== 'process';
  return {
    backend,
    network,
    ownUser,
    guarded: isolated && ownUser && network === 'host' && host.firewall?.loopback.works === true,
    filtered: backend !== 'process' && (backend !== 'namespace' || host.tools.perl !== undefined),
  };
}

function hasNetwork(id: BackendId, network: Network, host: Host): boolean {
  if (network === 'host') return true;
  if (network === 'egress' && host.root) return host.firewall?.egress.works === true;
  if (network === 'egress') {
    // Around bubblewrap, too, it is unshare(1) that makes the network.
    return host.namespaces?.none.works === true && missingForUplink(host) === undefined;
  }
  return id === 'sandbox' || UNITS.includes(id) || host.namespaces?.none.works === true;
}

/** What a user of its own keeps apart, by the kernel's oldest means. */
const BY_USER: readonly AttackId[] = [
  'sibling-read',
  'sibling-write',
  'data-root-list',
  'server-secrets',
  'sibling-environment',
  'init-environment',
  'init-root',
  'sibling-signal',
  'sibling-memory',
  'management-socket',
  'system-write',
  'mount',
  'remount',
  'gain-privileges',
  'capabilities',
  'raw-devices',
  'make-device',
  'cgroup-files',
  'sysctl',
  'inherited-descriptors',
  'outlive-stop',
  'sibling-port-share',
];
/** What only the filter keeps from an isolated instance. */
const BY_FILTER: readonly AttackId[] = ['keyring', 'io-uring', 'bpf', 'userfaultfd', 'ptrace'];
/** On loopback, by the firewall or by a network of its own. */
const PORTS: readonly AttackId[] = ['sibling-port', 'sibling-udp', 'management-port'];
/** Each holds where it is configured and the machine can apply it: else the start fails. */
const LIMITS: readonly AttackId[] = ['fork-bomb', 'memory-bomb', 'busy-loop'];

/** Whether an attack that succeeds breaks what this way is sold for. */
export function promises(way: Way, id: AttackId): boolean {
  if (LIMITS.includes(id)) return true;
  if (way.backend === 'process') return way.ownUser && BY_USER.includes(id);
  if (BY_FILTER.includes(id)) return way.filtered;
  if (PORTS.includes(id)) return way.network !== 'host' || way.guarded;
  if (id === 'abstract-socket') return way.network !== 'host';
  return true;
}

export function promised(way: Way): AttackId[] {
  return ATTACKS.map(({ id }) => id).filter((id) => promises(way, id));
}

/** What closes it, in one sentence. */
export function remedy(way: Way, id: AttackId): string {
  if (LIMITS.includes(id)) return 'Please report it: a limit that was set did not hold.';
  if (way.backend === 'process')
    return 'Use `isolation = "namespace"` or `"sandbox"` for code that you do not trust.';
  if (promises(way, id))
    return 'Please report it, with the output of `ten doctor --json`: this should not be possible.';
  if (BY_FILTER.includes(id))
    return 'Install perl (perl-base), which sets the filter of system calls, or use `isolation = "sandbox"`.';
  if (id === 'abstract-socket') return 'Use `network = "none"` or `"egress"`.';
  return way.ownUser
    ? 'Use `network = "none"` or `"egress"`, or install nftables: then others\' ports on loopback are refused.'
    : 'Use `network = "none"`, or run the server as root with nftables installed.';
}
