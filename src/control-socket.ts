/** The Unix socket for the CLI: being able to open it is the permission. */
import { chmodSync, rmSync } from 'node:fs';
import http from 'node:http';
import { TenementError } from './base/errors.js';
import { controlSocketPath, prepareSocketDirectory, removeSocketDirectory } from './base/socket-path.js';

/** Listens; a socket left by a server that died is replaced (the lock on the data directory proves that it died). */
export async function openControlSocket(
  dataDir: string,
  handle: (req: http.IncomingMessage, res: http.ServerResponse) => void,
): Promise<{ close(): Promise<void> }> {
  const path = controlSocketPath(dataDir);
  prepareSocketDirectory(dataDir);
  rmSync(path, { force: true });
  const server = http.createServer(handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new TenementError('listen_failed', `The control socket ${path} cannot be opened: ${cause.message}`, {
          cause,
        }),
      );
    });
    server.listen(path, resolve);
  });
  // Its directory is 0700, so nobody could open it in between.
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          removeSocketDirectory(dataDir);
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
