/** The front door of the isolation layer: with contract.ts the only file here that src/ may import. */
import { TenementError } from '../src/base/errors.js';
import { busSocket } from '../systemd/bus.js';
import { SystemdManager } from '../systemd/manager.js';
import type { Backend, BackendId, Host, Spec } from './contract.js';
import { createNamespaceBackend } from './namespace.js';
import { createProcessBackend } from './process.js';
import { createSandboxBackend } from './sandbox.js';
import { createSocketBackend } from './socket-activation.js';
import { createSystemdBackend } from './systemd-unit.js';

export { unreachable } from './access.js';
export { ATTACKS, type Attack, type AttackId, type Outcome, type Outcomes } from './attacks/catalog.js';
export { measure } from './attacks/measure.js';
export { nameOf, promises, remedy, type Way, wayOf, waysOf } from './attacks/ways.js';
export { groupPath } from './cgroup.js';
export type * from './contract.js';
export { type Launch, NOT_JOINED, prepareExec } from './exec.js';
export { probeHost } from './host.js';
export { closeInheritedFds } from './inherited.js';
export { endRun, findRun } from './leftovers.js';
export { allListening, type Listening } from './listener.js';
export { rulesLeftOver } from './network/left-over.js';
export { watchRules } from './network/network.js';
export { parseRef } from './ref.js';
export { strongest } from './strongest.js';
export { systemdBack, takeBack } from './unit/back.js';
export { lackingInUnits } from './unit/lacking.js';
export { markOf } from './unit/ownership.js';
export { socketPath } from './unit/socket-units.js';
export { which } from './which.js';

export type Backends = ReadonlyMap<BackendId, Backend>;

/**
 * Every backend of this version, whether this machine supports it or not (ask its `probe`). `dataDir`: of the server whose instances they start,
 * as an absolute path; what outlives the server is known by it.
 */
export function createBackends(host: Host, dataDir = ''): Backends {
  const manager = new SystemdManager(busSocket(host.root, process.env) ?? '');
  const all = [
    createProcessBackend(host),
    createNamespaceBackend(host),
    createSandboxBackend(host),
    createSystemdBackend(host, manager, dataDir),
    createSocketBackend(host, manager, dataDir),
  ];
  return new Map(all.map((backend) => [backend.id, backend]));
}

/**
 * The backend of that name: never another one instead.
 * @throws TenementError `not_yet` when this version has no such backend, or the code of its probe when this machine cannot give it.
 */
export function select(backends: Backends, id: BackendId, host: Host, sandbox?: Spec['sandbox']): Backend {
  const backend = backends.get(id);
  if (backend === undefined) {
    throw new TenementError('not_yet', `isolation = "${id}" is not in this version yet`, {
      hint: 'Write `isolation = "process"` for the service: no isolation, for code that you trust.',
    });
  }
  const support = backend.probe(host, sandbox);
  if (support.supported) return backend;
  throw new TenementError(support.code, support.reason, { hint: support.remedy });
}
