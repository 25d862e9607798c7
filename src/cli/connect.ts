import { existsSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { Client } from '../api/client.js';
import { errnoOf, TenementError } from '../base/errors.js';
import { controlSocketPath, socketDirectoryIsSafe } from '../base/socket-path.js';
import { findDataDir } from './data-dir.js';
import { usageError } from './fail.js';
import type { Globals } from './globals.js';

const DEFAULT_URL = 'http://localhost:8080';

/**
 * The server that a command talks to: --server or TENEMENT_SERVER over HTTP; else the control socket of the data directory
 * (being able to open it is the permission, unless a token was given: then that is what counts); else http://localhost:8080.
 * @throws TenementError no_server saying what was tried; usage for a bad URL or token
 */
export async function connect(globals: Globals): Promise<Client> {
  const url = serverUrl(globals);
  if (url !== undefined) return new Client({ url }, await findToken(globals));

  const dataDir = (await findDataDir(globals)).path;
  const socketPath = controlSocketPath(dataDir);
  const state = await socketState(dataDir);
  if (state.kind === 'listens') return overSocket(globals, dataDir);

  const fallback = new URL(DEFAULT_URL);
  const answer = await dial({ host: fallback.hostname, port: Number(fallback.port) });
  if (answer === undefined) {
    const given = explicitToken(globals);
    if (given !== undefined) return new Client({ url: fallback }, wellFormed(given));
    const saved = await findToken(globals);
    const other = notItsServer(dataDir, state);
    if (saved !== undefined) return new Client({ url: fallback }, saved, other);
    throw other;
  }
  throw new TenementError(
    'no_server',
    `No server answers: tried ${socketPath} (${state.why}) and ${DEFAULT_URL} (${inWords(answer)})`,
    { hint: '`ten serve` starts one; --server URL or --data-dir DIR names another.' },
  );
}

/** The server at the default address is asked when that of the data directory is not found, and is another one. */
function notItsServer(dataDir: string, state: Exclude<SocketState, { kind: 'listens' }>): TenementError {
  if (state.kind === 'unknown') {
    return new TenementError(
      'unauthorized',
      `This user may not use the server of ${dataDir}: ${controlSocketPath(dataDir)}: ${state.why}`,
      { hint: 'Run it with sudo; or name the server with --server and a token with --token.' },
    );
  }
  return new TenementError(
    'unauthorized',
    `No server runs on ${dataDir}; the one that answers on ${DEFAULT_URL} is another one, and no token for it was given`,
    {
      hint: 'Start the server here with `ten serve`, or restart it if `data_dir` was changed; or name the configuration of the other one with --config or TENEMENT_CONFIG (or --data-dir), or pass a token with --token.',
    },
  );
}

/** A client of the server of `dataDir`. An explicit token goes with it, so that a wrong one is refused and a narrow one is narrow. */
export function overSocket(globals: Globals, dataDir: string): Client {
  const token = explicitToken(globals);
  return new Client(
    { socketPath: controlSocketPath(dataDir) },
    token === undefined ? undefined : wellFormed(token),
  );
}

/** --server, then TENEMENT_SERVER; a URL without a scheme is http. @throws TenementError usage */
export function serverUrl(globals: Globals): URL | undefined {
  const text = globals.server ?? process.env.TENEMENT_SERVER ?? '';
  if (text === '') return undefined;
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw usageError(`"${text}" is not the URL of a server`, 'write it like http://localhost:8080');
  }
  return url;
}

/** --token, TENEMENT_TOKEN, then {data_dir}/api_token; undefined when there is none or it may not be read. */
async function findToken(globals: Globals): Promise<string | undefined> {
  const token = explicitToken(globals) ?? (await savedToken(globals));
  return token === undefined ? undefined : wellFormed(token);
}

/** --token, then TENEMENT_TOKEN. */
function explicitToken(globals: Globals): string | undefined {
  const given = globals.token ?? process.env.TENEMENT_TOKEN ?? '';
  return given === '' ? undefined : given.trim();
}

/** @throws TenementError usage. Else node:http throws an error that shows the token. */
function wellFormed(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw usageError(
    'The token holds characters that no token has',
    'look at --token, TENEMENT_TOKEN and the file api_token',
  );
}

async function savedToken(globals: Globals): Promise<string | undefined> {
  try {
    const text = readFileSync(join((await findDataDir(globals)).path, 'api_token'), 'utf8').trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

/** What the control socket of a data directory tells of its server; `why` in words. */
export type SocketState =
  | { readonly kind: 'listens' }
  /** No server runs on that data directory. */
  | { readonly kind: 'absent'; readonly why: string }
  /** One may run or not: this user cannot see it, or it does not answer. */
  | { readonly kind: 'unknown'; readonly why: string };

/** Only these say that nobody is there; a refused permission says nothing of the server. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED']);

export async function socketState(dataDir: string): Promise<SocketState> {
  const path = controlSocketPath(dataDir);
  if (existsSync(path) && !socketDirectoryIsSafe(dataDir)) {
    return { kind: 'unknown', why: 'its directory belongs to someone else' };
  }
  const error = await dial({ path });
  if (error === undefined) return { kind: 'listens' };
  return { kind: ABSENT.has(errnoOf(error) ?? '') ? 'absent' : 'unknown', why: inWords(error) };
}

/** Connects and hangs up; the error when nobody answers. A socket file that a killed server left refuses the connection. */
async function dial(where: { path: string } | { host: string; port: number }): Promise<Error | undefined> {
  return await new Promise((resolve) => {
    const socket = createConnection(where);
    const done = (error?: Error): void => {
      socket.destroy();
      resolve(error);
    };
    socket.setTimeout(5000, () => done(new Error('no answer within 5 s')));
    socket.once('connect', () => done());
    socket.once('error', done);
  });
}

function inWords(error: Error): string {
  const words: Record<string, string> = {
    ENOENT: 'there is no such socket',
    ECONNREFUSED: 'nobody listens',
    EACCES: 'this user may not open it',
    ENOTDIR: 'there is no such socket',
  };
  return words[errnoOf(error) ?? ''] ?? error.message;
}
