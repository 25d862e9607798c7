import { BlockList, isIP, isIPv6 } from 'node:net';

/** `::ffff:10.0.0.1`, as a dual-stack socket shows an IPv4 peer, becomes `10.0.0.1`. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address);
}

/** Peers whose X-Forwarded-* are believed. */
export class TrustedProxies {
  #source: string | undefined;
  #list = new BlockList();

  /** `entries` are addresses or CIDR ranges, checked by the config; what can't be read trusts nobody. */
  includes(address: string, entries: readonly string[]): boolean {
    if (entries.length === 0 || isIP(address) === 0) return false;
    const source = entries.join(',');
    // The list is rebuilt when a reload changed it.
    if (source !== this.#source) {
      this.#source = source;
      this.#list = build(entries);
    }
    return this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}

function build(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    if (isIP(address) === 0) continue;
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 'ipv6' ? 128 : 32)) {
      list.addSubnet(address, Number(bits), family);
    }
  }
  return list;
}
