/** Whether systemd is the init of this machine, its manager answers us, and what it can do. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseMounts } from '../../src/base/mount-info.js';
import { busSocket, isLost } from '../../systemd/bus.js';
import { unknownProperties } from '../../systemd/known-properties.js';
import { type Property, SystemdManager } from '../../systemd/manager.js';
import type { Host, Trial } from '../contract.js';
import { OPTIONAL } from './properties.js';
import { addUser, removeUser, userName } from './user.js';

/** Beside `uid_range`, so that it is no instance's. Each process has its own: who ends its trial takes the user away that another's still needs. */
const TRIAL_UID = 1_890_000_000 + process.pid;
const PRIVATE_USERS = 'PrivateUsers';

/** Undefined when it is not: the directory exists exactly when it is (sd_booted(3)). */
export async function probeSystemd(root: boolean): Promise<Host['systemd']> {
  if (!existsSync('/run/systemd/system')) return undefined;
  const socket = busSocket(root, process.env);
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const cgroups = unifiedMount(mounts);
  if (socket === undefined)
    return { works: false, reason: 'there is no bus of the user (XDG_RUNTIME_DIR)', cgroups };
  const manager = new SystemdManager(socket);
  try {
    const version = await manager.version();
    const known = { works: true, reason: '', cgroups, version };
    if (!root) return known;
    const [users, unknown] = await Promise.all([
      tryUsers(manager),
      unknownProperties(manager, OPTIONAL, `tenement-trial-${process.pid}-properties.service`),
    ]);
    return { ...known, users: users.known, missing: [...unknown, ...(users.apart ? [] : [PRIVATE_USERS])] };
  } catch (error) {
    return {
      works: false,
      reason: reasonOf(error),
      cgroups,
      ...(isLost(error) && isInstalled(socket) && { away: true }),
    };
  } finally {
    manager.close();
  }
}

/**
 * Starts something as a user that only a record makes known; `apart`: also in a user namespace, which some machines forbid. What ends with an
 * error has failed, as these units are over only when their command is.
 */
async function tryUsers(manager: SystemdManager): Promise<{ known: Trial; apart: boolean }> {
  const identity = { uid: TRIAL_UID, gid: TRIAL_UID };
  const attempt = async (what: string, more: readonly Property[]): Promise<Trial> => {
    try {
      await manager.startTransient(`tenement-trial-${process.pid}-${what}.service`, [
        ['Type', 's', 'oneshot'],
        ['ExecStart', 'a(sasb)', [['/bin/true', ['/bin/true'], false]]],
        ['User', 's', userName(identity)],
        ['CollectMode', 's', 'inactive-or-failed'],
        ...more,
      ]);
      return { works: true, reason: '' };
    } catch (error) {
      return { works: false, reason: reasonOf(error) };
    }
  };
  try {
    await addUser(identity);
    const [known, apart] = await Promise.all([
      attempt('user', []),
      attempt('users', [[PRIVATE_USERS, 'b', true]]),
    ]);
    return { known, apart: known.works && apart.works };
  } finally {
    await removeUser(identity).catch(() => undefined);
  }
}

/** A bus that is not running is there again some time; one that was never installed is not. */
function isInstalled(socket: string): boolean {
  return [socket, '/usr/lib/systemd/system/dbus.socket', '/lib/systemd/system/dbus.socket'].some(existsSync);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Pure: where cgroup v2 is mounted as a whole. `mountinfo` is /proc/self/mountinfo (proc(5)). */
export function unifiedMount(mountinfo: string): string | undefined {
  return parseMounts(mountinfo).find(({ type, root }) => type === 'cgroup2' && root === '/')?.point;
}
