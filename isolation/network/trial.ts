/** Whether rules can be made is found out by asking the kernel, which then makes none. */
import type { Trial } from '../contract.js';
import { nftRunner } from './firewall.js';
import { egressEntry, loopbackEntry } from './rules.js';
import { createTable, EGRESS, type Entry, LOOPBACK, putEntry, type Table } from './script.js';

/** Never rejects. */
export async function tryFirewall(nft: string): Promise<{ loopback: Trial; egress: Trial }> {
  const check = nftRunner(nft, ['--check']);
  const attempt = async (table: Table, entry: Entry): Promise<Trial> => {
    const own = { ...table, name: 'tenement_trial' };
    const reason = await check([...createTable(own), ...putEntry(own, entry)]).catch(String);
    return { works: reason === undefined, reason: reason ?? '' };
  };
  const [loopback, egress] = await Promise.all([
    attempt(LOOPBACK, loopbackEntry(1, [1], [{ host: '127.0.0.1', port: 1 }])),
    attempt(EGRESS, egressEntry('tnmt-1', '192.0.2.1', [])),
  ]);
  return { loopback, egress };
}
