/** A session with nft(8) in a network of the test's own: `unshare --net node nft-scene.js`. Prints one line of JSON. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Firewall, nftRunner } from '../../../isolation/network/firewall.js';
import { NftSession } from '../../../isolation/network/nft-session.js';
import { loopbackEntry } from '../../../isolation/network/rules.js';
import { LOOPBACK } from '../../../isolation/network/script.js';
import { until } from '../../helpers/until.js';

const NFT = '/usr/sbin/nft';
const ruleset = (): string => execFileSync(NFT, ['list', 'ruleset'], { encoding: 'utf8' });
const children = (): string => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();

const fallbacks: string[] = [];
const once = nftRunner(NFT);
const session = new NftSession(
  NFT,
  (lines) => {
    fallbacks.push(lines.join('; '));
    return once(lines);
  },
  // On a machine that is busy, too, it is the session that is looked at here.
  { firstPatienceMs: 30_000 },
);
const firewall = new Firewall(LOOPBACK, session.run);
const entry = (uid: number) => loopbackEntry(uid, [30_000], [{ host: '127.0.0.1', port: 53 }]);

await firewall.put(entry(1));
const first = children();
await Promise.all([2, 3].map((uid) => firewall.put(entry(uid))));
await firewall.put(entry(4));
const made = ruleset();
const refused = await session.run(['delete chain inet nowhere nothing']);
const nonsense = await session.run(['complete nonsense']);
const same = first === children() && first !== '';

// As a firewall that is reloaded does.
execFileSync(NFT, ['flush', 'ruleset']);
const renewed = [await firewall.renew(), await firewall.renew()];
const again = ruleset();

// It is killed, or hangs up.
process.kill(Number(first), 'SIGKILL');
await until('it has ended', () => children() === '');
await firewall.put(entry(5));
const after = ruleset();
for (const uid of [1, 2, 3, 4, 5]) await firewall.drop(entry(uid));
const left = ruleset();
session.close();
await until('it has ended', () => children() === '');

// One that has no such mode.
const without = new NftSession('/bin/false', once);
const other = await without.run(['add table inet other']);
const otherwise = ruleset();
// Nothing of it keeps this process.
console.log(
  JSON.stringify({ made, refused, nonsense, same, renewed, again, after, left, other, otherwise, fallbacks }),
);
