/** Lets packets of instances through the machine: as little as they need, and no longer than they need it. */
import { readFile, writeFile } from 'node:fs/promises';
import { EGRESS } from './script.js';

/** Names in a set as nft lists it. */
export function namesIn(listing: string): string[] {
  return [...listing.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '');
}

/**
 * The kernel forwards what comes in through a device on which that is allowed. It is allowed on the devices that lead outside, not on all of the
 * machine; and what comes in there for anybody but instances is dropped, as it was before. Not if the machine forwards anyway: then others
 * (a router, containers) rely on it.
 */
export class Forwarding {
  readonly #list: () => Promise<string>;
  /** On which devices we have allowed it, in this or an earlier server. */
  #opened: Set<string> | undefined;

  /** `list`: what nft(8) says of the set `opened`; empty when there is none. */
  constructor(list: () => Promise<string>) {
    this.#list = list;
  }

  /** Lines for the table, to be in force before `allow`. */
  async guard(devices: readonly string[]): Promise<string[]> {
    this.#opened ??= new Set(namesIn(await this.#list()));
    if ((await read('all')) === '1') {
      const had = this.#opened.size > 0;
      this.#opened.clear();
      return had ? [`flush set inet ${EGRESS.name} opened`] : [];
    }
    for (const device of devices) if ((await read(device)) === '0') this.#opened.add(device);
    return [...this.#opened].map((device) => `add element inet ${EGRESS.name} opened { "${device}" }`);
  }

  async allow(): Promise<void> {
    for (const device of this.#opened ?? []) await writeFile(settingOf(device), '1');
  }

  /** The table is gone. Never rejects: a device may be, too. */
  async forbid(): Promise<void> {
    const opened = [...(this.#opened ?? [])];
    this.#opened = undefined;
    for (const device of opened) await writeFile(settingOf(device), '0').catch(() => undefined);
  }
}

function read(device: string): Promise<string> {
  return readFile(settingOf(device), 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
}

function settingOf(device: string): string {
  return `/proc/sys/net/ipv4/conf/${device}/forwarding`;
}
