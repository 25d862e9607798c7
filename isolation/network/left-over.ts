/** Pure: how the rules of instances go that have outlived the last server, as those do that systemd listens for. */
import { loopbackEntry } from './rules.js';
import { deleteUnusedTable, dropEntry, LOOPBACK } from './script.js';

/** Scripts for nft(8), one after another; each may fail, as when another server still uses the table. */
export function rulesLeftOver(uids: readonly number[]): string[] {
  const drops = uids.flatMap((uid) => dropEntry(LOOPBACK, loopbackEntry(uid, [], [])));
  return [...(drops.length > 0 ? [drops] : []), deleteUnusedTable(LOOPBACK)].map((lines) => lines.join('; '));
}
