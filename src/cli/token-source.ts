import { existsSync, statSync } from 'node:fs';
import { Client } from '../api/client.js';
import type { TokenCreated, TokenInfo } from '../api/protocol-admin.js';
import { TenementError } from '../base/errors.js';
import { controlSocketPath } from '../base/socket-path.js';
import { connect, serverUrl, socketProblem } from './connect.js';
import { findDataDir } from './data-dir.js';
import type { Globals } from './globals.js';
import type { TokenSource } from './tokens.js';

/**
 * Over HTTP when --server was given; else the data directory that was named, else TENEMENT_SERVER, else the found data
 * directory. A data directory is reached through the socket of its running server, or by opening its state when none runs: so
 * that the first token can be made before the first `ten serve`.
 * @throws TenementError no_server, state_unusable
 */
export async function tokenSource(globals: Globals): Promise<TokenSource> {
  const { path, from } = await findDataDir(globals);
  const named = from === 'flag' || from === 'environment';
  const url = serverUrl(globals);
  if (url !== undefined && (globals.server !== undefined || !named)) {
    // The token of a server elsewhere does not belong into a directory that merely happens to be found here.
    const here = (named || isLoopback(url)) && existsSync(path);
    return viaApi(await connect(globals), here ? path : undefined);
  }
  if ((await socketProblem(path)) === undefined) {
    return viaApi(new Client({ socketPath: controlSocketPath(path) }), path);
  }
  refuseForeign(path);
  const { localTokens } = await import('./local-tokens.js');
  return localTokens(path);
}

function viaApi(client: Client, dataDir: string | undefined): TokenSource {
  return {
    dataDir,
    create: (body) => client.request<TokenCreated>('POST', '/api/tokens', { body }),
    list: () => client.request<TokenInfo[]>('GET', '/api/tokens'),
    revoke: (prefix) => client.request<void>('DELETE', `/api/tokens/${encodeURIComponent(prefix)}`),
  };
}

/** Files that root makes in another user's state could not be opened by the server afterwards. */
function refuseForeign(dataDir: string): void {
  const owner = existsSync(dataDir) ? statSync(dataDir).uid : process.geteuid?.();
  if (owner === process.geteuid?.()) return;
  throw new TenementError(
    'state_unusable',
    `${dataDir} belongs to the user with id ${owner}, and its server does not run`,
    {
      hint: `Start the server, or run this as that user: sudo -u '#${owner}' ten ...`,
    },
  );
}

function isLoopback(url: URL): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}
