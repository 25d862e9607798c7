/** The front door of the isolation layer: with contract.ts the only file here that src/ may import. */
import { TenementError } from '../src/base/errors.js';
import type { Backend, BackendId, Host } from './contract.js';
import { createNamespaceBackend } from './namespace.js';
import { createProcessBackend } from './process.js';
import { createSandboxBackend } from './sandbox.js';

export { unreachable } from './access.js';
export { groupPath } from './cgroup.js';
export type * from './contract.js';
export { probeHost } from './host.js';
export { closeInheritedFds } from './inherited.js';
export { endRun, findRun } from './leftovers.js';
export { parseRef } from './ref.js';
export { which } from './which.js';

export type Backends = ReadonlyMap<BackendId, Backend>;

/** Every backend of this version, whether this machine supports it or not (ask its `probe`). */
export function createBackends(host: Host): Backends {
  const all = [createProcessBackend(host), createNamespaceBackend(host), createSandboxBackend(host)];
  return new Map(all.map((backend) => [backend.id, backend]));
}

/**
 * The backend of that name: never another one instead.
 * @throws TenementError `not_yet` when this version has no such backend, or the code of its probe when this machine cannot give it.
 */
export function select(backends: Backends, id: BackendId, host: Host): Backend {
  const backend = backends.get(id);
  if (backend === undefined) {
    throw new TenementError('not_yet', `isolation = "${id}" is not in this version yet`, {
      hint: 'Write `isolation = "process"` for the service: no isolation, for code that you trust.',
    });
  }
  const support = backend.probe(host);
  if (support.supported) return backend;
  throw new TenementError(support.code, support.reason, { hint: support.remedy });
}
