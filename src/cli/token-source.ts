import { existsSync, statSync } from 'node:fs';
import type { Client } from '../api/client.js';
import { TokenCreated, TokenList } from '../api/protocol-admin.js';
import { TenementError } from '../base/errors.js';
import { controlSocketPath } from '../base/socket-path.js';
import { connect, overSocket, serverUrl, socketState } from './connect.js';
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
  const state = await socketState(path);
  if (state.kind === 'listens') return viaApi(overSocket(globals, path), path);
  if (state.kind === 'unknown') throw unseen(path, state.why);
  const isNew = from === 'default' && !existsSync(path);
  refuseForeign(path);
  const { localTokens } = await import('./local-tokens.js');
  const tokens = localTokens(path);
  return isNew ? { ...tokens, remark: remarkOnNew(path) } : tokens;
}

/** Whoever only stands in the wrong directory would wonder why the running server does not take the token. */
function remarkOnNew(path: string): string {
  return `No tenement.toml was found here or above: ${path} is new, and no server that runs already knows this token. For that, name its configuration with --config or TENEMENT_CONFIG.`;
}

function viaApi(client: Client, dataDir: string | undefined): TokenSource {
  return {
    dataDir,
    create: (body) => client.request('POST', '/api/tokens', TokenCreated, { body }),
    list: () => client.request('GET', '/api/tokens', TokenList),
    revoke: (prefix) => client.command('DELETE', `/api/tokens/${encodeURIComponent(prefix)}`),
  };
}

/** Beside a server that may run its state is not opened: it would not hear of a token that was revoked. */
function unseen(dataDir: string, why: string): TenementError {
  const owner = statSync(dataDir, { throwIfNoEntry: false })?.uid;
  const other = owner === undefined || owner === process.geteuid?.() ? undefined : owner;
  return new TenementError(
    'state_unusable',
    `Whether a server runs on ${dataDir} cannot be seen: ${controlSocketPath(dataDir)}: ${why}`,
    {
      hint: `${other === undefined ? 'Run this as root' : `Run this as its owner: sudo -u '#${other}' ten ...`}; or name the server with --server and an admin token with --token.`,
    },
  );
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
