/** What the machine itself gives: Node, system, cgroups, namespaces, tools, clock. */
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BackendId, createBackends, type Host, select, strongest } from '../../../isolation/index.js';
import { asTenementError } from '../../base/errors.js';
import { packageRoot } from '../../base/package-root.js';
import { type Check, fail, ok, warn } from './check.js';

export async function checkMachine(host: Host): Promise<Check[]> {
  return [
    nodeVersion(process.versions.node),
    await sqlite(),
    platform(host),
    user(host),
    ...(host.platform === 'linux' ? [cgroup(host), controllers(host), await userNamespaces(host)] : []),
    ...tools(host),
    ...isolations(host),
    systemd(host),
    clock(Date.now(), statSync(join(packageRoot, 'package.json')).mtimeMs),
  ];
}

export function nodeVersion(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return ok('node', version);
  return fail('node', version, 'Install Node 20.19 or newer.');
}

/** A native module: built for one major version of Node. */
async function sqlite(): Promise<Check> {
  try {
    const { openSqlite } = await import('../../state/sqlite.js');
    const db = openSqlite(':memory:', {});
    const version = String(db.prepare('SELECT sqlite_version()').pluck().get());
    db.close();
    return ok('sqlite', version);
  } catch (error) {
    const { message, hint } = asTenementError(error);
    return fail('sqlite', message, hint ?? '');
  }
}

function platform(host: Host): Check {
  if (host.platform === 'linux') return ok('system', `${host.platform} ${process.arch}`);
  const remedy = 'Use it for development; serve customers from Linux.';
  return host.platform === 'darwin'
    ? warn('system', 'macOS: only the backend "process", and a stop ends the process group only', remedy)
    : fail('system', `${host.platform} is not supported`, 'Run it on Linux.');
}

function user(host: Host): Check {
  if (host.root) return ok('user', 'root: instances can have users of their own');
  return warn(
    'user',
    `uid ${process.geteuid?.() ?? '?'}: all instances run as this user: only namespaces keep their files apart`,
    'Run the server as root with `user = "auto"` to keep them apart.',
  );
}

function cgroup(host: Host): Check {
  if (host.cgroupRoot !== undefined) return ok('cgroup v2', host.cgroupRoot);
  return warn(
    'cgroup v2',
    'no group can be made: a stop finds the processes of an instance by uid, group and environment',
    'Boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or run as root or with Delegate=yes.',
  );
}

/** Where cgroup v2 does not have a controller, that of v1 does (isolation/limits.ts). */
export function controllers(host: Pick<Host, 'controllers' | 'legacyCgroups'>): Check {
  const wanted = ['memory', 'cpu', 'pids'] as const;
  const legacy = wanted.filter(
    (name) => !host.controllers.includes(name) && host.legacyCgroups?.[name] !== undefined,
  );
  const missing = wanted.filter(
    (name) => !host.controllers.includes(name) && host.legacyCgroups?.[name] === undefined,
  );
  const onLegacy = legacy.length === 0 ? [] : [`${legacy.join(' ')} (of cgroup v1)`];
  if (missing.length === 0) return ok('controllers', [...host.controllers, ...onLegacy].join(' '));
  return warn(
    'controllers',
    `not available: ${missing.join(', ')}; limits on them cannot be set`,
    'Boot with cgroup v2 alone, and let systemd delegate the controllers (Delegate=yes).',
  );
}

/** Made, not guessed from settings: distributions forbid them in at least three different ways. */
async function userNamespaces(host: Host): Promise<Check> {
  const name = 'user namespaces';
  const unshare = host.tools.unshare;
  if (unshare === undefined) return warn(name, 'cannot be tried without unshare', 'Install util-linux.');
  try {
    await promisify(execFile)(unshare, ['--user', '--map-root-user', '/bin/true'], { timeout: 5000 });
    return ok(name, 'work');
  } catch {
    return warn(
      name,
      'cannot be made',
      'See sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns.',
    );
  }
}

const TOOLS: Readonly<Record<string, string>> = {
  setpriv: 'Install util-linux: it gives instances users of their own.',
  unshare: 'Install util-linux.',
  fallocate: 'Install util-linux: without it the logs cannot be rotated without loss.',
  bwrap: 'Install bubblewrap if you want the isolation "sandbox".',
};

function tools(host: Host): Check[] {
  if (host.platform !== 'linux') return [];
  return Object.entries(TOOLS).map(([tool, remedy]) => {
    const path = host.tools[tool];
    return path === undefined ? warn(tool, 'not found', remedy) : ok(tool, path);
  });
}

const BACKENDS: readonly BackendId[] = ['process', 'namespace', 'sandbox', 'systemd', 'socket-activation'];

function isolations(host: Host): Check[] {
  const backends = createBackends(host);
  const best = strongest(backends, host, { network: 'host', listen: 'port' });
  const auto =
    best === 'process'
      ? warn('isolation auto', 'process, as nothing stronger works', 'See the remedies of the others.')
      : ok('isolation auto', `${best}, the strongest that works here`);
  return [...BACKENDS.map(check), auto];

  function check(id: BackendId): Check {
    const name = `isolation ${id}`;
    try {
      select(backends, id, host);
      return ok(name, 'works here');
    } catch (error) {
      const { message, hint } = asTenementError(error);
      return warn(name, message, hint);
    }
  }
}

/** sd_booted(3): the directory exists exactly when systemd is the init. */
function systemd({ systemd: found, root }: Host): Check {
  const name = 'systemd';
  if (!existsSync('/run/systemd/system')) {
    const remedy = 'The isolations "systemd" and "socket-activation" need it.';
    return warn(name, 'is not the init of this machine', remedy);
  }
  const version = found?.version === undefined ? '' : ` (${found.version})`;
  if (!root || found?.works !== true) return ok(name, `is the init of this machine${version}`);
  if (found.users?.works === false) {
    return warn(
      name,
      `cannot run instances as users that only they have: ${found.users.reason}`,
      'Install libnss-systemd, and have `systemd` in the lines passwd and group of /etc/nsswitch.conf: then units are rated better.',
    );
  }
  const missing = found.missing ?? [];
  if (missing.length > 0)
    return warn(
      name,
      `${version.trim()} does not know ${missing.join(', ')}: units lack that`,
      'Use a newer systemd.',
    );
  return ok(name, `is the init of this machine${version}, and gives units all that they are to have`);
}

/** A clock that is far back makes certificates invalid and events out of order. `installed`: when our files came here. */
export function clock(now: number, installed: number): Check {
  const text = new Date(now).toISOString();
  if (now < installed - 86_400_000) {
    return fail('clock', `${text} is before tenement was installed`, 'Set the clock; run an NTP client.');
  }
  return ok('clock', text);
}
