/** The `process` backend: an ordinary process in its own session, for trusted code and development, on Linux and macOS alike. */
import { TenementError } from '../src/base/errors.js';
import { unreachable } from './access.js';
import { adopt } from './adopt.js';
import { launch } from './argv.js';
import type { Backend, Handle, Host, Ref, Spec } from './contract.js';
import { execute } from './execute.js';
import { prepareGroups } from './groups.js';
import { createHandle } from './handle.js';
import { childLife } from './life.js';
import { processLimits } from './limits.js';
import { checkDirectory, checkEnvironment, checkIdentity } from './prepare.js';
import { RUN_MARKER } from './proc.js';
import { treeOf } from './tree.js';
import { which } from './which.js';

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
  await checkDirectory(spec.directory);
  if (spec.identity !== undefined) {
    const problem = await unreachable(spec.directory, spec.identity, 'enter');
    if (problem !== undefined) throw new TenementError('path_unreachable', problem);
  }
  const [name, ...args] = spec.command;
  const file = await which(name, { env, directory: spec.directory, identity: spec.identity });
  signal.throwIfAborted();
  const groups = await prepareGroups(spec, host, 0);
  const prepared = launch({
    command: [file, ...args],
    env,
    groups: groups.procs,
    limits: spec.limits === undefined ? '' : processLimits(spec.limits),
    identity: spec.identity,
    socket: spec.socket !== undefined,
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
      cgroup: groups.cgroup,
      ...(groups.legacy.length > 0 && { legacyCgroups: groups.legacy }),
      uid: spec.identity?.uid,
      exclusive: spec.identity?.exclusive ?? false,
      startedAt: Date.now(),
    };
    return createHandle(ref, host, childLife(child), treeOf(ref, host));
  } catch (error) {
    await groups.remove();
    throw error;
  }
}
