/** What every backend checks and makes before it starts a process. */
import { stat } from 'node:fs/promises';
import { TenementError } from '../src/base/errors.js';
import { isEnvironmentName } from './argv.js';
import { createGroup, groupProcesses } from './cgroup.js';
import type { Host, Spec } from './contract.js';

/** @throws TenementError `start_failed` */
export function checkEnvironment(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (!isEnvironmentName(name)) {
      throw new TenementError('start_failed', `"${name}" cannot be the name of an environment variable`, {
        hint: 'Names are letters, digits and "_", and do not begin with a digit.',
      });
    }
    if (value.includes('\0')) {
      throw new TenementError('start_failed', `the environment variable ${name} has a NUL byte in its value`);
    }
  }
}

/** @throws TenementError `isolation_unavailable` */
export function checkIdentity(spec: Spec, host: Host): void {
  if (spec.identity === undefined) return;
  if (!host.root) {
    throw new TenementError('isolation_unavailable', 'only root can start an instance as another user', {
      hint: "Run the server as root, or remove the service's `user`.",
    });
  }
  if (host.tools.setpriv === undefined) {
    throw new TenementError('isolation_unavailable', 'setpriv, which changes the user, was not found', {
      hint: 'Install util-linux.',
    });
  }
}

/** @throws TenementError `start_failed` */
export async function checkDirectory(directory: string): Promise<void> {
  const stats = await stat(directory).catch(() => undefined);
  if (stats?.isDirectory()) return;
  const what = stats === undefined ? 'does not exist' : 'is not a directory';
  throw new TenementError('start_failed', `the working directory ${directory} ${what}`, {
    hint: "Correct the service's `workdir`.",
  });
}

/**
 * Never two processes on one database: a group in which something lives is another run of the same instance.
 * @throws TenementError `unproven_process`
 */
export async function prepareGroup(cgroup: string): Promise<void> {
  const pids = await groupProcesses(cgroup);
  if (pids.length > 0) {
    throw new TenementError(
      'unproven_process',
      `processes of an earlier run of this instance still live: ${pids.join(', ')} (in ${cgroup})`,
    );
  }
  await createGroup(cgroup);
}
