/** What of an instance's network is outside of it: prepared before it starts, taken over with it, taken away after its end. */
import { execa } from 'execa';
import { TenementError } from '../../src/base/errors.js';
import type { Host, Ref, RefNetwork, Spec } from '../contract.js';
import { EgressNetworks } from './egress.js';
import { Firewall, NEEDS, nftRunner } from './firewall.js';
import { Forwarding } from './forwarding.js';
import { linkScript } from './link.js';
import { NftSession } from './nft-session.js';
import { type ListMap, reap } from './reaper.js';
import { outerResolvers, resolvers } from './resolver.js';
import { EGRESS, LOOPBACK } from './script.js';
import { type Uplink, uplinkOf } from './uplink.js';
import { type Guarded, GuardedUsers } from './users.js';

export interface PreparedNetwork {
  /** Fulfilled when the rules are in force: before, the app must not run. Rejects with TenementError `isolation_unavailable`. */
  readonly ready?: Promise<void>;
  readonly net?: RefNetwork;
  /** linkScript's. */
  readonly link?: string;
  /** In place of a link, where the server is not root. */
  readonly uplink?: Uplink;
  /** Contents of its /etc/resolv.conf; undefined: the machine's. */
  readonly resolvConf?: string;
}

interface Keepers {
  readonly users: GuardedUsers;
  readonly egress: EgressNetworks;
  readonly firewalls: readonly Firewall[];
}

/** A start is over by then. */
const REAP_AFTER_MS = 15_000;
/** How long instances may be open after somebody has deleted all rules. */
const RENEW_MS = 30_000;

/** One for each program, as all backends write the same tables. */
const keepers = new Map<string, Keepers>();

function keepersOf(nft: string): Keepers {
  const known = keepers.get(nft);
  if (known !== undefined) return known;
  const { run } = new NftSession(nft, nftRunner(nft));
  const forwarding = new Forwarding(async () => {
    const { stdout } = await execa(nft, ['list', 'set', 'inet', EGRESS.name, 'opened'], { reject: false });
    return stdout ?? '';
  });
  const loopback = new Firewall(LOOPBACK, run);
  const egress = new Firewall(EGRESS, run, () => forwarding.forbid());
  const made = {
    users: new GuardedUsers(loopback),
    egress: new EgressNetworks(egress, forwarding),
    firewalls: [loopback, egress],
  };
  keepers.set(nft, made);
  const list: ListMap = async (table, map) => {
    const { stdout } = await execa(nft, ['--json', 'list', 'map', 'inet', table, map], { reject: false });
    return stdout ?? '';
  };
  const later = () => new Promise<void>((resolve) => setTimeout(resolve, REAP_AFTER_MS).unref());
  // Once, and when what an earlier server has left is taken over. Rules for what does not live do no harm.
  later()
    .then(() => reap(loopback, egress, list, later))
    .catch(() => undefined);
  return made;
}

/**
 * Resolves when it is known how the network will be.
 * @throws TenementError `isolation_unavailable`; then nothing is left
 */
export async function prepareNetwork(spec: Spec, host: Host): Promise<PreparedNetwork> {
  const { network = 'host', allowLocal, identity } = spec;
  if (network === 'egress') return prepareEgress(spec, host);
  // Without a user of its own its packets cannot be told from the server's.
  if (network === 'none' || allowLocal === undefined || identity === undefined || !host.root) return {};
  const { users } = keepersOf(nftOf(host, 'loopback'));
  const loopback = [...allowLocal, ...(await resolvers())];
  const guarded = guardedOf({ ...spec, uid: identity.uid }, loopback);
  return { net: { loopback }, ready: watched(users.guard(guarded)) };
}

async function prepareEgress({ allowLocal = [] }: Spec, host: Host): Promise<PreparedNetwork> {
  const { ip, nsenter } = host.tools;
  if (!host.root) {
    const { addresses, text } = await outerResolvers();
    return { uplink: uplinkOf(host, [...allowLocal, ...addresses]), resolvConf: text };
  }
  const { egress: networks } = keepersOf(nftOf(host, 'egress'));
  if (ip === undefined || nsenter === undefined) {
    throw new TenementError(
      'isolation_unavailable',
      `network = "egress" does not work here: ${ip === undefined ? 'ip' : 'nsenter'} was not found`,
      { hint: 'Install iproute2 and util-linux.' },
    );
  }
  const names = await outerResolvers();
  const { egress, place, ready } = await networks.open([...allowLocal, ...names.addresses]);
  return {
    net: { egress },
    ready: watched(ready),
    link: linkScript(place, { ip, nsenter }),
    resolvConf: names.text,
  };
}

/**
 * Makes rules again that somebody has deleted while instances rely on them: until their next start they could reach everything. Asks nothing
 * while there are none. Returns what ends it. `warn` is told what was the matter.
 */
export function watchRules(warn: (message: string) => void, everyMs = RENEW_MS): () => void {
  let busy = false;
  const look = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    for (const firewall of [...keepers.values()].flatMap(({ firewalls }) => firewalls)) {
      await firewall.renew().then(
        (renewed) =>
          renewed && warn(`the rules of table ${firewall.name} had been deleted and were made again`),
        (error: unknown) => warn(`the rules of table ${firewall.name} were deleted: ${String(error)}`),
      );
    }
    busy = false;
  };
  const timer = setInterval(look, everyMs).unref();
  return () => clearInterval(timer);
}

/** Somebody will look at its rejection; maybe later. */
function watched(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}

/** The rules are there already, unless somebody has flushed all. */
export async function retakeNetwork(ref: Ref, host: Host): Promise<void> {
  const { nft } = host.tools;
  if (ref.net === undefined || nft === undefined) return;
  const { users, egress } = keepersOf(nft);
  if (ref.net.loopback !== undefined && ref.uid !== undefined) {
    await users.guard(guardedOf({ ...ref, uid: ref.uid }, ref.net.loopback));
  }
  if (ref.net.egress !== undefined) await egress.retake(ref.net.egress);
}

/** Once nothing of the run lives. Idempotent. */
export async function releaseNetwork(
  { run, uid, net }: Pick<Ref, 'run' | 'uid' | 'net'>,
  host: Host,
): Promise<void> {
  const { nft } = host.tools;
  if (net === undefined || nft === undefined) return;
  const { users, egress } = keepersOf(nft);
  if (net.loopback !== undefined && uid !== undefined) await users.release({ run, uid });
  if (net.egress !== undefined) await egress.close(net.egress);
}

function guardedOf(
  { run, uid, address }: Pick<Ref, 'run' | 'address'> & { readonly uid: number },
  allowed: Guarded['allowed'],
): Guarded {
  const port = 'port' in address ? address.port : undefined;
  return { run, uid, port, allowed };
}

function nftOf(host: Host, table: 'loopback' | 'egress'): string {
  const { nft } = host.tools;
  const trial = host.firewall?.[table];
  if (nft !== undefined && trial?.works !== false) return nft;
  const because = nft === undefined ? 'nft was not found' : `nft says: ${trial?.reason}`;
  const what =
    table === 'loopback'
      ? 'the instance cannot be kept from what listens on loopback, its siblings and the management API'
      : 'network = "egress" does not work here';
  throw new TenementError('isolation_unavailable', `${what}: ${because}`, { hint: NEEDS });
}
