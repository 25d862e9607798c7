/** Rules of instances that ended while no server looked after them: one died between making them and noting for whom. */
import { readFile } from 'node:fs/promises';
import { processesOf } from '../members.js';
import { hasUser } from '../unit/user.js';
import { addressOf } from './addresses.js';
import type { Firewall } from './firewall.js';
import { egressEntry, loopbackEntry } from './rules.js';
import { EGRESS, type Entry, LOOPBACK } from './script.js';

/** What nft(8) says, with --json, of a map; empty when there is none. */
export type ListMap = (table: string, map: string) => Promise<string>;

/** Pure: the keys of a map. */
export function keysIn(listing: string): string[] {
  if (listing.trim() === '') return [];
  const { nftables = [] } = JSON.parse(listing) as {
    nftables?: readonly { map?: { elem?: readonly (readonly [string | number, unknown])[] } }[];
  };
  return nftables.flatMap(({ map }) => (map?.elem ?? []).map(([key]) => String(key)));
}

/**
 * Entries that nobody needs are looked for twice, with `pause` between: another server may be about to start what it has just made one for.
 * Rejects when nft(8) cannot be asked.
 */
export async function reap(
  loopback: Firewall,
  egress: Firewall,
  list: ListMap,
  pause: () => Promise<void>,
): Promise<void> {
  const before = await unneeded(loopback, egress, list);
  if (before.size === 0) return;
  await pause();
  const after = await unneeded(loopback, egress, list);
  for (const [chain, { firewall, entry }] of after) if (before.has(chain)) await firewall.drop(entry);
}

async function unneeded(
  loopback: Firewall,
  egress: Firewall,
  list: ListMap,
): Promise<Map<string, { firewall: Firewall; entry: Entry }>> {
  const found = new Map<string, { firewall: Firewall; entry: Entry }>();
  for (const uid of keysIn(await list(LOOPBACK.name, 'users'))
    .map(Number)
    .filter(Number.isInteger)) {
    const entry = loopbackEntry(uid, [], []);
    // Attack: of an instance that another server's systemd listens for nothing may run now. Its next connection would start it without its rules.
    if (loopback.held.has(entry.chain) || hasUser({ uid })) continue;
    if ((await processesOf(uid)).length > 0) continue;
    found.set(entry.chain, { firewall: loopback, entry });
  }
  const devices = await readFile('/proc/net/dev', 'latin1');
  for (const device of keysIn(await list(EGRESS.name, 'ends'))) {
    const entry = egressEntry(device, addressOf(device), []);
    if (egress.held.has(entry.chain) || devices.includes(`${device}:`)) continue;
    found.set(entry.chain, { firewall: egress, entry });
  }
  return found;
}
