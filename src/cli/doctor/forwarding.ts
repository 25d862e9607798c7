/** Whether this machine lets through what instances with `network = "egress"` send: Docker and ufw drop what is forwarded and not theirs. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Host } from '../../../isolation/index.js';
import type { Config } from '../../config/schema.js';
import { type Check, ok, warn } from './check.js';

const NAME = 'forwarding';
/** Of the machine's ends of the instances' devices. */
const DEVICES = 'tnmt-';

interface Listed {
  readonly chain?: { family: string; table: string; name: string; hook?: string; policy?: string };
  readonly rule?: { family: string; table: string };
}

/** Pure: chains that drop what is forwarded unless a rule lets it through, in tables without a rule for instances. `listing`: `nft --json list ruleset`. */
export function droppingChains(listing: string): string[] {
  const { nftables = [] } = JSON.parse(listing) as { nftables?: readonly Listed[] };
  const known = new Set(
    nftables.flatMap((entry) =>
      entry.rule !== undefined && JSON.stringify(entry).includes(DEVICES)
        ? [`${entry.rule.family} ${entry.rule.table}`]
        : [],
    ),
  );
  return nftables.flatMap(({ chain }) => {
    if (chain?.hook !== 'forward' || chain.policy !== 'drop') return [];
    const table = `${chain.family} ${chain.table}`;
    return known.has(table) ? [] : [`${table} ${chain.name}`];
  });
}

/** Nothing unless a service asks for such a network of a server that is root: others need no forwarding. */
export async function checkForwarding(host: Host, config: Config | undefined): Promise<Check[]> {
  const asks = Object.values(config?.service ?? {}).some(({ network }) => network === 'egress');
  const { nft } = host.tools;
  if (!asks || !host.root || nft === undefined) return [];
  try {
    const { stdout } = await promisify(execFile)(nft, ['--json', 'list', 'ruleset'], {
      timeout: 5000,
      maxBuffer: 64 << 20,
    });
    const dropping = droppingChains(stdout);
    if (dropping.length === 0) return [ok(NAME, 'nothing else drops what instances send')];
    return [
      warn(
        NAME,
        `dropped by default in ${dropping.join(', ')}: \`network = "egress"\` reaches nothing`,
        `Let through what comes from and goes to the devices ${DEVICES}*: iptables -I FORWARD -i ${DEVICES}+ -j ACCEPT, and the same with -o (with Docker in its chain DOCKER-USER).`,
      ),
    ];
  } catch {
    return [warn(NAME, 'nft does not say what is forwarded', 'Look at `nft list ruleset`.')];
  }
}
