/** Pure: addresses of instances behind the machine's own, and the names of the devices that lead to them. */
import { DEVICE_PREFIX } from './script.js';

/** A line of /proc/net/route. */
export interface Route {
  readonly device: string;
  /** As numbers of 32 bits. */
  readonly destination: number;
  readonly mask: number;
}

/** Private and rarely used, so that no network that the machine should reach is hidden by one: the first that no route leads to is taken. */
const NETWORKS = ['10.203.0.0', '172.29.0.0', '10.87.0.0', '198.18.0.0', '192.168.0.0'].map(toNumber);
const NETWORK_MASK = 0xffff0000;
const LARGEST = 0xfffe;

/** Fields are hexadecimal, in the machine's byte order (little endian on every Linux that Node runs on). */
export function parseRoutes(text: string): Route[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [device, destination, , , , , , mask] = line.trim().split(/\s+/);
      if (device === undefined || destination === undefined || mask === undefined) return [];
      return [{ device, destination: swapped(destination), mask: swapped(mask) }];
    });
}

/** Devices through which the machine reaches what it has no closer route to. */
export function uplinks(routes: readonly Route[]): string[] {
  return [...new Set(routes.filter(({ mask }) => mask === 0).map(({ device }) => device))];
}

export interface Place {
  readonly address: string;
  /** Of the machine, for all instances. */
  readonly gateway: string;
  readonly device: string;
}

/** Undefined when every network is taken. `seed`: where to begin to look. */
export function choosePlace(
  routes: readonly Route[],
  taken: ReadonlySet<string>,
  seed: number,
): Place | undefined {
  const others = routes.filter(({ device, mask }) => !device.startsWith(DEVICE_PREFIX) && mask !== 0);
  const used = new Set(routes.map(({ destination }) => toText(destination)));
  for (const network of NETWORKS) {
    if (others.some((route) => overlaps(route, network))) continue;
    for (let i = 0; i < LARGEST; i += 1) {
      // 0 is the network's, 1 the gateway's, 0xffff the broadcast's.
      const number = network + 2 + ((seed + i) % (LARGEST - 1));
      const address = toText(number);
      if (!used.has(address) && !taken.has(address)) {
        return { address, gateway: toText(network + 1), device: deviceOf(address) };
      }
    }
  }
  return undefined;
}

/** At most 15 characters, as the kernel wants. */
export function deviceOf(address: string): string {
  return `${DEVICE_PREFIX}${toNumber(address).toString(16).padStart(8, '0')}`;
}

/** The other way round. */
export function addressOf(device: string): string {
  return toText(Number.parseInt(device.slice(DEVICE_PREFIX.length), 16));
}

function overlaps({ destination, mask }: Route, network: number): boolean {
  const common = (mask & NETWORK_MASK) >>> 0;
  return (destination & common) >>> 0 === (network & common) >>> 0;
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.');
}

function swapped(hex: string): number {
  return Number.parseInt((hex.match(/../g) ?? []).reverse().join(''), 16);
}
