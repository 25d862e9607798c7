/** Pure: what a configuration needs of the units that serve it, and what those that are installed do not give to a later one. */
import { z } from 'zod';
import type { Work } from '../../systemd/units/hardening.js';
import type { Config } from '../config/schema.js';
import {
  hasOtherUsers,
  managesNetworks,
  needsHomes,
  sharesTmp,
  stopSecs,
  workOf,
  writesOf,
} from './needs.js';

const WORKS = ['manager', 'users', 'namespaces'] as const satisfies readonly Work[];

export const unitNeeds = z.object({
  work: z.enum(WORKS),
  writes: z.array(z.string()),
  /** The name is that of older records: all administration of networks. */
  firewall: z.boolean(),
  sharesTmp: z.boolean(),
  otherUsers: z.boolean(),
  homes: z.boolean(),
  stopSecs: z.number(),
  /** `settings.listen`; undefined: the default. */
  listen: z.array(z.string()).optional(),
});
export type UnitNeeds = z.infer<typeof unitNeeds>;

/** `auto` has been decided. `others`: absolute paths of what else the server needs. */
export function unitNeedsOf(config: Config, others: readonly string[] = []): UnitNeeds {
  const work = workOf(config);
  const writes = writesOf(config, work);
  const { listen } = config.settings;
  return {
    work,
    writes,
    firewall: managesNetworks(config),
    sharesTmp: sharesTmp(config),
    otherUsers: hasOtherUsers(config),
    homes: needsHomes(config, [...others, ...writes]),
    stopSecs: stopSecs(config),
    ...(listen !== undefined && { listen: [...listen] }),
  };
}

/** What the installed units do not give, for people; empty: all is there. That they give more than is needed is not told. */
export function unmet(installed: UnitNeeds, now: UnitNeeds): string[] {
  const found: string[] = [];
  const tell = (needed: boolean, had: boolean, what: string) => {
    if (needed && !had) found.push(what);
  };
  if (WORKS.indexOf(now.work) > WORKS.indexOf(installed.work)) found.push(RIGHTS[now.work]);
  const writes = now.writes.filter(
    (path) => !installed.writes.some((one) => `${path}/`.startsWith(`${one}/`)),
  );
  if (writes.length > 0) found.push(`to write ${writes.join(', ')}`);
  tell(
    now.firewall,
    installed.firewall,
    'to administer networks (of instances, and the rules that keep them apart on loopback)',
  );
  tell(now.sharesTmp, installed.sharesTmp, 'files of an app below /tmp');
  tell(now.otherUsers, installed.otherUsers, 'to run apps as users that were not made for them');
  tell(now.homes, installed.homes, 'files in home directories');
  if (now.stopSecs > installed.stopSecs)
    found.push(
      `${now.stopSecs} s for a clean stop (drain_timeout, stop_timeout) and not ${installed.stopSecs} s`,
    );
  if (JSON.stringify(now.listen) !== JSON.stringify(installed.listen))
    found.push('to listen on other addresses (settings.listen)');
  return found;
}

/** `needs`: from `unmet`. */
export function madeForAnother(needs: readonly string[]): string {
  return `tenement.service was made for another configuration. This one needs ${needs.join('; ')}: run \`sudo ten install\` again`;
}

const RIGHTS: Record<Work, string> = {
  manager: 'nothing',
  users: 'to run processes as other users (isolation = "process")',
  namespaces: 'to make mounts and namespaces (isolation "namespace" or "sandbox", or network = "egress")',
};
