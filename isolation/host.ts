/** What this machine can do, looked at once. Whatever only Linux has is told from here. */
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { builderOf } from './builder.js';
import { controllersBelow, findCgroupRoot } from './cgroup-root.js';
import type { Host, Trial } from './contract.js';
import { findLegacyCgroups } from './legacy-cgroups.js';
import { tryFirewall } from './network/trial.js';
import { tryBubblewrap, tryNamespaces } from './trial.js';
import { probeSystemd } from './unit/probe.js';

/** Looked for in the system's directories first: npm puts a program of the name `nft` on PATH, which succeeds at whatever it is told. */
const NETWORK_TOOLS = ['ip', 'nft', 'nsenter'];
const TOOLS = [
  'setpriv',
  'unshare',
  'mount',
  'umount',
  'pivot_root',
  ...NETWORK_TOOLS,
  'perl',
  'bwrap',
  'nsjail',
  'systemd-run',
  'fallocate',
  'pasta',
  'slirp4netns',
];
/** Looked at after PATH: an unprivileged user's PATH often lacks the sbin directories. */
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Never rejects: what cannot be found out counts as absent. */
export async function probeHost(): Promise<Host> {
  const linux = process.platform === 'linux';
  const root = process.geteuid?.() === 0;
  const tools = Object.fromEntries(
    await Promise.all(TOOLS.map(async (name) => [name, await findTool(name)])),
  );
  const { bwrap, nft } = tools;
  // Side by side: each starts programs and waits for them, and a server does not serve before all are done.
  const [bootId, groups, legacyCgroups, bubblewrap, namespaces, firewall, systemd] = await Promise.all([
    linux ? readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '') : '',
    linux ? findGroups() : { cgroupRoot: undefined, controllers: [] },
    linux ? findLegacyCgroups() : undefined,
    linux && bwrap !== undefined ? tryBubblewrap(bwrap, root) : undefined,
    linux ? tryBoth(tools, root) : undefined,
    linux && root && nft !== undefined ? tryFirewall(nft) : undefined,
    linux ? probeSystemd(root) : undefined,
  ]);
  return {
    platform: process.platform,
    root,
    ...groups,
    bootId: bootId.trim(),
    tools,
    ...(legacyCgroups && { legacyCgroups }),
    ...(bubblewrap && { bubblewrap }),
    ...(namespaces && { namespaces }),
    ...(firewall && { firewall }),
    ...(systemd && { systemd }),
  };
}

async function findGroups(): Promise<Pick<Host, 'cgroupRoot' | 'controllers'>> {
  const cgroupRoot = await findCgroupRoot();
  return { cgroupRoot, controllers: cgroupRoot === undefined ? [] : await controllersBelow(cgroupRoot) };
}

async function tryBoth(
  { unshare, setpriv, ip, perl }: Host['tools'],
  root: boolean,
): Promise<NonNullable<Host['namespaces']>> {
  const failed = (reason: string): Trial => ({ works: false, reason });
  if (unshare === undefined || setpriv === undefined) {
    const missing = failed('unshare or setpriv was not found');
    return { host: missing, none: missing };
  }
  const builder = builderOf({ tools: { perl } });
  const attempt = (network: 'host' | 'none'): Promise<Trial> =>
    tryNamespaces({ unshare, setpriv }, builder, root, network);
  const [host, none] = await Promise.all([
    attempt('host'),
    ip === undefined && builder === undefined ? failed('ip was not found') : attempt('none'),
  ]);
  return { host, none };
}

async function findTool(name: string): Promise<string | undefined> {
  const path = (process.env.PATH ?? '').split(':').filter((directory) => directory.startsWith('/'));
  const places = NETWORK_TOOLS.includes(name) ? [...SYSTEM_PATH, ...path] : [...path, ...SYSTEM_PATH];
  for (const directory of places) {
    const file = join(directory, name);
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    ) {
      return file;
    }
  }
  return undefined;
}
