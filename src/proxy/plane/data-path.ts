/** The proxy as the worker runs it. */
import { request as httpRequest } from 'node:http';
import type { Log } from '../../base/log.js';
import type { RequestEnd } from '../gate.js';
import { createProxy } from '../server.js';
import type { Upstreams } from '../upstreams.js';
import type { ListenSpec, PlaneConfig } from './protocol.js';

export interface DataPath {
  listen(specs: readonly ListenSpec[]): Promise<readonly ListenSpec[]>;
  close(options: { readonly graceMs: number }): Promise<void>;
}

export interface DataPathOptions {
  readonly upstreams: Upstreams;
  readonly config: () => PlaneConfig;
  readonly log: Log;
  readonly onRequestEnd: (end: RequestEnd) => void;
}

export function createDataPath({ upstreams, config, log, onRequestEnd }: DataPathOptions): DataPath {
  const proxy = createProxy({
    upstreams,
    table: () => config().table,
    trustedProxies: () => config().trustedProxies,
    log,
    onRequestEnd,
    handleOwn: (request, response) => {
      const { own } = config();
      const to = 'path' in own ? { socketPath: own.path } : own;
      const forwarded = httpRequest(
        { ...to, method: request.method, path: request.url, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      forwarded.on('error', () => response.destroy());
      request.pipe(forwarded);
    },
  });
  return {
    async listen(specs) {
      const bound = await proxy.listen(specs.flatMap((spec) => (spec.kind === 'tcp' ? [spec] : [])));
      return bound.map((address) => ({ kind: 'tcp', ...address }));
    },
    close: (options) => proxy.close(options),
  };
}
