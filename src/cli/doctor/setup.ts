/** What the installation gives: config, data directory, disk, ports, server. */
import { existsSync, lstatSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { asTenementError, TenementError } from '../../base/errors.js';
import { tokenFile } from '../../base/token-file.js';
import { formatSize } from '../../base/units.js';
import type { Config } from '../../config/schema.js';
import { findProjectQuotas, isSupported } from '../../storage/project-quotas.js';
import { socketState } from '../connect.js';
import { findDataDir } from '../data-dir.js';
import type { Globals } from '../globals.js';
import { loadConfigFor } from '../load-config.js';
import { type Check, fail, ok, warn } from './check.js';

const DEFAULT_PORTS: readonly [number, number] = [30000, 32767];

/** The checks, and the configuration when there is a valid one. */
export async function checkSetup(globals: Globals): Promise<{ checks: Check[]; config: Config | undefined }> {
  const checks: Check[] = [];
  let config: Config | undefined;
  try {
    config = await loadConfigFor(globals);
    checks.push(ok('config', config.path));
  } catch (error) {
    const { code, message, hint } = asTenementError(error);
    checks.push(code === 'config_not_found' ? warn('config', message, hint) : fail('config', message, hint));
  }
  const dataDir = config?.settings.data_dir ?? (await dataDirWithoutConfig(globals));
  if (dataDir !== undefined) {
    checks.push(
      ...whoCanRead(dataDir),
      diskSpace(dataDir),
      await diskQuotas(dataDir, config),
      await server(dataDir),
    );
  }
  const range = config?.settings.port_range ?? DEFAULT_PORTS;
  checks.push(await freePorts([range[0], range[1]]), ...ephemeral([range[0], range[1]]));
  return { checks, config };
}

async function dataDirWithoutConfig(globals: Globals): Promise<string | undefined> {
  try {
    return (await findDataDir(globals)).path;
  } catch (error) {
    // A config that is unsafe or missing is reported already.
    if (error instanceof TenementError) return undefined;
    throw error;
  }
}

/** Who else can read or replace what the server keeps. */
function whoCanRead(dataDir: string): Check[] {
  const name = 'data directory';
  if (!existsSync(dataDir)) return [ok(name, `${dataDir} (made at the first start)`)];
  const problems: Check[] = [];
  const self = process.geteuid?.();
  const stat = statSync(dataDir);
  if (self !== undefined && stat.uid !== self && self !== 0) {
    problems.push(
      fail(name, `${dataDir} belongs to uid ${stat.uid}, not to you (${self})`, 'Run as its owner.'),
    );
  }
  for (const [path, forbidden, remedy] of [
    [dataDir, 0o022, 'chmod 711'],
    [join(dataDir, '.tenement'), 0o077, 'chmod 700'],
    [tokenFile(dataDir), 0o077, 'chmod 600'],
  ] as const) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined || (found.mode & forbidden) === 0) continue;
    const mode = (found.mode & 0o777).toString(8);
    problems.push(fail(name, `${path} has mode ${mode}: others get at it`, `${remedy} ${path}`));
  }
  const open = openParent(dataDir);
  if (open !== undefined) {
    problems.push(
      fail(name, `anybody can replace it: ${open} can be written by all`, `chmod o-w ${open}, or move it.`),
    );
  }
  return problems.length > 0 ? problems : [ok(name, dataDir)];
}

/** A directory above that everybody can write and that is not sticky: there anybody can put another data directory in its place. */
function openParent(dataDir: string): string | undefined {
  for (let at = dirname(dataDir); ; at = dirname(at)) {
    const stat = statSync(at, { throwIfNoEntry: false });
    if (stat !== undefined && (stat.mode & 0o002) !== 0 && (stat.mode & 0o1000) === 0) return at;
    if (at === dirname(at)) return undefined;
  }
}

function diskSpace(dataDir: string): Check {
  let at = dataDir;
  while (!existsSync(at)) at = dirname(at);
  const { bavail, bsize, files, ffree } = statfsSync(at);
  const free = bavail * bsize;
  const found = `${formatSize(free)} free at ${at}`;
  const remedy = 'Make room, or move `data_dir` to a larger disk.';
  // Some file systems have no fixed number of inodes and say 0.
  if (free < 100 * 2 ** 20 || (files > 0 && ffree < 1000)) return fail('disk', found, remedy);
  return free < 2 ** 30 ? warn('disk', found, remedy) : ok('disk', found);
}

/** Only what the kernel holds an app to stops one that fills the disk within seconds. */
async function diskQuotas(dataDir: string, config: Config | undefined): Promise<Check> {
  const name = 'disk quotas';
  const quotas = await findProjectQuotas(dataDir);
  if (isSupported(quotas)) return ok(name, `held by the kernel (${quotas.where})`);
  const found = `measured, not held by the kernel: ${quotas.reason}`;
  const wanted = Object.values(config?.service ?? {}).some((one) => one.storage_quota_mb !== undefined);
  return wanted ? warn(name, found, quotas.remedy) : ok(name, found);
}

async function server(dataDir: string): Promise<Check> {
  const state = await socketState(dataDir);
  if (state.kind === 'listens') return ok('server', 'runs');
  if (state.kind === 'absent') return ok('server', 'does not run');
  return warn('server', `cannot be seen: ${state.why}`, "Run this as the data directory's owner.");
}

/** Bind-tested, as the server does. Ports of running instances count as taken. */
async function freePorts([first, last]: readonly [number, number]): Promise<Check> {
  let free = 0;
  for (let port = first; port <= last; port += 1) if (await canBind(port)) free += 1;
  const total = last - first + 1;
  const found = `${free} of ${total} free in ${first}-${last}`;
  const remedy = 'Widen `port_range` in [settings]; `ss -ltnp` shows who has them.';
  if (free === 0) return fail('ports', found, remedy);
  return free < total / 2 ? warn('ports', found, remedy) : ok('ports', found);
}

async function canBind(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** Inside the kernel's range for outgoing connections a port can be taken at any moment by a connection. */
function ephemeral([first, last]: readonly [number, number]): Check[] {
  const file = '/proc/sys/net/ipv4/ip_local_port_range';
  if (!existsSync(file)) return [];
  const [low = 0, high = 0] = readFileSync(file, 'utf8').trim().split(/\s+/).map(Number);
  if (last < low || first > high) return [];
  return [
    warn(
      'port range',
      `${first}-${last} overlaps ${low}-${high}, from which outgoing connections take ports`,
      `Choose a \`port_range\` below ${low}.`,
    ),
  ];
}
