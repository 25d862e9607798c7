import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import type { ExecutionContext } from 'ava';
import { controlSocketPath } from '../../src/base/socket-path.js';
import { type ApiServer, startApi } from './api-server.js';
import { freshDir } from './fresh-dir.js';
import { type Run, type RunOptions, runTen } from './run-ten.js';

export interface CliServer extends ApiServer {
  readonly dataDir: string;
  readonly url: string;
  /** Runs `ten` in the directory of the data, which it reaches by TENEMENT_DATA_DIR and the socket. */
  ten(args: readonly string[], options?: Partial<RunOptions>): Promise<Run>;
}

/** The real API over fake instances, listening on the control socket of a data directory as `ten serve` does. */
export async function startCliServer(t: ExecutionContext): Promise<CliServer> {
  const server = await startApi(t);
  const dataDir = freshDir(t);
  const path = controlSocketPath(dataDir);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const unix = createServer((req, res) => server.api.handle(req, res, { trusted: true, address: '' }));
  unix.listen(path);
  await once(unix, 'listening');
  t.teardown(() => {
    unix.closeAllConnections();
    unix.close();
  });
  return {
    ...server,
    dataDir,
    url: `http://127.0.0.1:${server.port}`,
    ten: (args, options) => runTen(args, { cwd: dataDir, env: { TENEMENT_DATA_DIR: dataDir }, ...options }),
  };
}
