/** Instances that a socket starts, for a measurement: each gets its socket, as a server would make it, and all are closed at the end. */
import { type Backend, type InstanceName, socketPath } from '../../../isolation/index.js';

interface Standing {
  readonly backend: Backend;
  /** Nothing listens for them any more, and nothing of them runs. Rejects when that is not so. */
  close(): Promise<void>;
}

/** Any other backend is itself, and closes nothing. */
export function standing(backend: Backend): Standing {
  const { sockets } = backend;
  if (sockets === undefined) return { backend, close: async () => {} };
  const made: InstanceName[] = [];
  return {
    backend: {
      ...backend,
      spawn: (spec, signal) => {
        made.push(spec);
        return backend.spawn({ ...spec, address: { path: socketPath(spec) } }, signal);
      },
    },
    async close() {
      for (const name of made.splice(0)) await sockets.close(name, { graceMs: 0 });
    },
  };
}
