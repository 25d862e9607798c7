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
 * (being able to open it is the permission); else http://localhost:8080.
 * @throws TenementError no_server saying what was tried; usage for a bad URL or token
 */
export async function connect(globals: Globals): Promise<Client> {
  const url = serverUrl(globals);
  if (url !== undefined) return new Client({ url }, await findToken(globals));

  const dataDir = (await findDataDir(globals)).path;
  const socketPath = controlSocketPath(dataDir);
  const problem = await socketProblem(dataDir);
  if (problem === undefined) return new Client({ socketPath });

  const fallback = new URL(DEFAULT_URL);
  const answer = await dial({ host: fallback.hostname, port: Number(fallback.port) });
  if (answer === undefined) return new Client({ url: fallback }, await findToken(globals));
  throw new TenementError(
    'no_server',
    `No server answers: tried ${socketPath} (${problem}) and ${DEFAULT_URL} (${inWords(answer)})`,
    { hint: '`ten serve` starts one; --server URL or --data-dir DIR names another.' },
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
  const given = globals.token ?? process.env.TENEMENT_TOKEN ?? '';
  const token = given === '' ? await savedToken(globals) : given.trim();
  // Else node:http throws an error that shows the token.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw usageError(
      'The token holds characters that no token has',
      'look at --token, TENEMENT_TOKEN and the file api_token',
    );
  }
  return token;
}

async function savedToken(globals: Globals): Promise<string | undefined> {
  try {
    const text = readFileSync(join((await findDataDir(globals)).path, 'api_token'), 'utf8').trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Undefined when a server listens on the control socket of `dataDir`, else why not, in words. */
export async function socketProblem(dataDir: string): Promise<string | undefined> {
  const path = controlSocketPath(dataDir);
  if (existsSync(path) && !socketDirectoryIsSafe(dataDir)) return 'its directory belongs to someone else';
  const error = await dial({ path });
  return error === undefined ? undefined : inWords(error);
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
