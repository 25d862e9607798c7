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
];
/** Looked at after PATH: an unprivileged user's PATH often lacks the sbin directories. */
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Never rejects: what cannot be found out counts as absent. */
export async function probeHost(): Promise<Host> {
  const linux = process.platform === 'linux';
  const cgroupRoot = linux ? await findCgroupRoot() : undefined;
  const bootId = linux ? await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '') : '';
  const root = process.geteuid?.() === 0;
  const tools = Object.fromEntries(
    await Promise.all(TOOLS.map(async (name) => [name, await findTool(name)])),
  );
  return {
    platform: process.platform,
    root,
    cgroupRoot,
    controllers: cgroupRoot === undefined ? [] : await controllersBelow(cgroupRoot),
    bootId: bootId.trim(),
    tools,
    ...(linux && { legacyCgroups: await findLegacyCgroups() }),
    ...(linux && tools.bwrap !== undefined && { bubblewrap: await tryBubblewrap(tools.bwrap, root) }),
    ...(linux && { namespaces: await tryBoth(tools, root) }),
    ...(linux && root && tools.nft !== undefined && { firewall: await tryFirewall(tools.nft) }),
    ...(linux && withSystemd(await probeSystemd(root))),
  };
}

function withSystemd(systemd: Host['systemd']): Pick<Host, 'systemd'> {
  return systemd === undefined ? {} : { systemd };
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
