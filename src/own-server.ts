/** The internal Unix socket on which dashboard, API, health and metrics are served; the data path forwards to it. */
import { chmodSync, rmSync } from 'node:fs';
import http from 'node:http';
import { dirname, join } from 'node:path';
import { TenementError } from './base/errors.js';
import { controlSocketPath, prepareSocketDirectory } from './base/socket-path.js';

export interface OwnServer {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Listens beside the control socket, for the data path alone. Unlike there, who comes is a stranger: `address` is whom the data path
 * names in X-Tenement-Client, a field that it never takes from a client.
 */
export async function openOwnServer(
  dataDir: string,
  handle: (req: http.IncomingMessage, res: http.ServerResponse, address: string) => void,
): Promise<OwnServer> {
  const path = join(dirname(controlSocketPath(dataDir)), 'own.sock');
  prepareSocketDirectory(dataDir);
  rmSync(path, { force: true });
  const server = http.createServer((req, res) =>
    handle(req, res, String(req.headers['x-tenement-client'] ?? '')),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `The internal socket ${path} cannot be opened: ${cause.message}`;
      reject(new TenementError('listen_failed', message, { cause }));
    });
    server.listen(path, resolve);
  });
  // Its directory is 0700, so nobody could open it in between.
  chmodSync(path, 0o600);
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
