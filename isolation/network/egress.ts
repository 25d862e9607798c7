/** Instances with a network of their own that reach out through the machine's, as root. */
import { readFile } from 'node:fs/promises';
import { TenementError } from '../../src/base/errors.js';
import type { AllowedAddress, RefNetwork } from '../contract.js';
import { Pauses } from '../poll.js';
import { choosePlace, type Place, parseRoutes, uplinks } from './addresses.js';
import type { Firewall } from './firewall.js';
import type { Forwarding } from './forwarding.js';
import { egressEntry } from './rules.js';

type Egress = NonNullable<RefNetwork['egress']>;

/** How long the kernel may take to remove the devices of a network in which nothing lives any more. */
const PATIENCE_MS = 5_000;

export class EgressNetworks {
  readonly #firewall: Firewall;
  readonly #forwarding: Forwarding;
  /** Of starts under way, whose routes do not show yet, and of what runs. */
  readonly #taken = new Set<string>();

  constructor(firewall: Firewall, forwarding: Forwarding) {
    this.#firewall = firewall;
    this.#forwarding = forwarding;
  }

  /**
   * `ready` is fulfilled when what comes from the place is filtered and passed on. Until then nothing may run there.
   * @throws TenementError `isolation_unavailable`
   */
  async open(
    allow: readonly AllowedAddress[],
  ): Promise<{ egress: Egress; place: Place; ready: Promise<void> }> {
    const routes = parseRoutes(await readFile('/proc/net/route', 'latin1'));
    const place = choosePlace(routes, this.#taken, Math.floor(Math.random() * 0xffff));
    if (place === undefined) {
      throw new TenementError(
        'isolation_unavailable',
        'network = "egress" finds no free private network for instances: routes lead to all that it would take',
        { hint: '`ip route` shows them. `network = "none"` needs no addresses.' },
      );
    }
    const { address, device } = place;
    const egress = { address, device, allow };
    this.#taken.add(address);
    return { egress, place, ready: this.#put(egress, uplinks(routes)) };
  }

  /** Of an instance that an earlier server has started. */
  async retake(egress: Egress): Promise<void> {
    this.#taken.add(egress.address);
    await this.#put(egress, uplinks(parseRoutes(await readFile('/proc/net/route', 'latin1'))));
  }

  /** Once nothing of the instance lives. */
  async close({ address, device, allow }: Egress): Promise<void> {
    // Devices go with the network of the instance, some moments after its last process.
    const until = performance.now() + PATIENCE_MS;
    const pauses = new Pauses();
    while (performance.now() < until && (await exists(device))) await pauses.wait();
    this.#taken.delete(address);
    await this.#firewall.drop(egressEntry(device, address, allow));
  }

  async #put({ device, address, allow }: Egress, outside: readonly string[]): Promise<void> {
    const lines = await this.#forwarding.guard(outside);
    await this.#firewall.put(egressEntry(device, address, allow), lines);
    await this.#forwarding.allow();
  }
}

async function exists(device: string): Promise<boolean> {
  const devices = await readFile('/proc/net/dev', 'latin1').catch(() => '');
  return devices.split('\n').some((line) => line.trim().startsWith(`${device}:`));
}
