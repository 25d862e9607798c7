/** Where names are looked up: what resolv.conf(5) says. */
import { readFile } from 'node:fs/promises';
import { isIP, isIPv4 } from 'node:net';
import type { AllowedAddress } from '../contract.js';

const DNS = 53;
const RESOLV_CONF = '/etc/resolv.conf';
/** What systemd-resolved asks itself, where /etc/resolv.conf only names its own address on loopback. */
const UPSTREAM = '/run/systemd/resolve/resolv.conf';

/** Pure: addresses of name servers, in order. */
export function nameservers(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const address = /^\s*nameserver\s+([^\s%]+)/.exec(line)?.[1];
    return address !== undefined && isIP(address) !== 0 ? [address] : [];
  });
}

/** What has to be reached on this machine for names to be looked up. */
export async function resolvers(): Promise<AllowedAddress[]> {
  return nameservers(await read(RESOLV_CONF)).map((host) => ({ host, port: DNS }));
}

export interface OuterResolvers {
  /** Reached from a network that is not this machine's. */
  readonly addresses: readonly AllowedAddress[];
  /** Contents of a resolv.conf that names them. */
  readonly text: string;
}

/** Of version 4: the own networks of instances have no other addresses. */
export async function outerResolvers(): Promise<OuterResolvers> {
  const own = await read(RESOLV_CONF);
  const outside = (text: string): string[] =>
    nameservers(text).filter((address) => isIPv4(address) && !address.startsWith('127.'));
  const found = outside(own);
  const addresses = found.length > 0 ? found : outside(await read(UPSTREAM));
  const others = own.split('\n').filter((line) => !/^\s*(nameserver|#|;|$)/.test(line));
  return {
    addresses: addresses.map((host) => ({ host, port: DNS })),
    text: [...addresses.map((host) => `nameserver ${host}`), ...others, ''].join('\n'),
  };
}

function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
