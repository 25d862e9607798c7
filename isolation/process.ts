/** The `process` backend: an ordinary process in its own session, for trusted code and development, on Linux and macOS alike. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TenementError } from '../src/base/errors.js';
import { unreachable } from './access.js';
import { isEnvironmentName, launch } from './argv.js';
import { createGroup, groupPath, groupProcesses, removeGroup } from './cgroup.js';
import type { Adoption, Backend, Handle, Host, Ref, Spec } from './contract.js';
import { execute } from './execute.js';
import { createHandle } from './handle.js';
import { endLeftovers } from './leftovers.js';
import { adoptedLife, childLife, isSameProcess } from './life.js';
import { RUN_MARKER } from './proc.js';
import { treeOf } from './tree.js';
import { which } from './which.js';

/** How often an adopted process is looked at. On macOS each look starts ps(1). */
const WATCH_MS = process.platform === 'linux' ? 200 : 1000;

export function createProcessBackend(host: Host): Backend {
  return {
    id: 'process',
    probe: () => ({ supported: true }),
    spawn: (spec, signal) => start(spec, host, signal),
    adopt: (ref) => adopt(ref, host),
  };
}

async function start(spec: Spec, host: Host, signal: AbortSignal): Promise<Handle> {
  const env = { ...spec.env, [RUN_MARKER]: spec.run };
  checkEnvironment(env);
  checkIdentity(spec, host);
  await checkDirectory(spec);
  const [name, ...args] = spec.command;
  const file = await which(name, { env, directory: spec.directory, identity: spec.identity });
  const cgroup = groupPath(host, spec.group);
  signal.throwIfAborted();
  if (cgroup !== undefined) await prepareGroup(cgroup);
  const prepared = launch({
    command: [file, ...args],
    env,
    cgroupProcs: cgroup === undefined ? undefined : join(cgroup, 'cgroup.procs'),
    identity: spec.identity,
    setpriv: host.tools.setpriv,
  });
  try {
    const { child, startTime } = await execute(spec, prepared, signal);
    const ref: Ref = {
      version: 1,
      backend: 'process',
      run: spec.run,
      pid: child.pid,
      startTime,
      bootId: host.bootId,
      address: spec.address,
      cgroup,
      uid: spec.identity?.uid,
      exclusive: spec.identity?.exclusive ?? false,
      startedAt: Date.now(),
    };
    return createHandle(ref, host, childLife(child), treeOf(ref, host));
  } catch (error) {
    if (cgroup !== undefined) await removeGroup(cgroup);
    throw error;
  }
}

async function adopt(ref: Ref, host: Host): Promise<Adoption> {
  // After a reboot nothing of it lives, whatever has its pid now.
  if (ref.bootId !== host.bootId) return { kind: 'gone' };
  if (await isSameProcess(ref)) {
    return {
      kind: 'adopted',
      handle: createHandle(ref, host, adoptedLife(ref, WATCH_MS), treeOf(ref, host)),
    };
  }
  const left = await endLeftovers(ref, host);
  if (left.length === 0) return { kind: 'gone' };
  return {
    kind: 'unproven',
    reason: `its main process ${ref.pid} has ended, but ${left.join(', ')} of the same run still live and could not be ended`,
  };
}

function checkEnvironment(env: Readonly<Record<string, string>>): void {
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

function checkIdentity(spec: Spec, host: Host): void {
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

async function checkDirectory(spec: Spec): Promise<void> {
  const stats = await stat(spec.directory).catch(() => undefined);
  if (!stats?.isDirectory()) {
    const what = stats === undefined ? 'does not exist' : 'is not a directory';
    throw new TenementError('start_failed', `the working directory ${spec.directory} ${what}`, {
      hint: "Correct the service's `workdir`.",
    });
  }
  if (spec.identity === undefined) return;
  const problem = await unreachable(spec.directory, spec.identity, 'enter');
  if (problem !== undefined) throw new TenementError('path_unreachable', problem);
}

/** Never two processes on one database: a group in which something lives is another run of the same instance. */
async function prepareGroup(cgroup: string): Promise<void> {
  const pids = await groupProcesses(cgroup);
  if (pids.length > 0) {
    throw new TenementError(
      'unproven_process',
      `processes of an earlier run of this instance still live: ${pids.join(', ')} (in ${cgroup})`,
    );
  }
  await createGroup(cgroup);
}
