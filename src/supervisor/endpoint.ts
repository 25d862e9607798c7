/** Where an instance is reached: a port, or a socket in a directory of its own; made before the start and undone after the end. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdir, readdir, rename } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import type { Address, Identity, Standing } from '../../isolation/contract.js';
import { errnoOf, TenementError } from '../base/errors.js';
import { LONGEST_SOCKET_PATH } from '../base/socket-path.js';
import type { ServiceConfig } from '../config/schema.js';
import { hasOwnNetwork, isIsolated } from './confinement.js';
import type { Ports } from './ports.js';
import { removeTree } from './remove-tree.js';

export interface Endpoint {
  readonly address: Address;
  /** PORT, when the app knows one. */
  readonly port?: number;
  /** SOCKET_PATH, when the app listens on one. */
  readonly socketPath?: string;
  /** As in Spec. Ours to close once the instance is started. */
  readonly socket?: Server;
  /** As in Spec. */
  readonly forwardTo?: number;
  /** What the instance must see of it. */
  readonly directory?: string;
}

const LOOPBACK = '127.0.0.1';
/** What an app in a network of its own gets as PORT: there it cannot meet another one. */
const INNER_PORT = 8080;
/** Connections that wait while the app boots or is busy. */
const BACKLOG = 4096;

/**
 * @throws TenementError `ports_exhausted`, `start_failed`
 */
export async function openEndpoint(
  service: Pick<ServiceConfig, 'listen' | 'isolation' | 'network'>,
  identity: Identity | undefined,
  ports: Ports,
  dataDir: string,
): Promise<Endpoint> {
  if (service.listen === 'unix') {
    const path = await makePlace(dataDir, identity);
    return { address: { path }, socketPath: path, directory: dirname(path) };
  }
  if (service.listen === 'port' && hasOwnNetwork(service)) {
    // Of the machine's loopback, where others could connect, it needs nothing.
    const path = await makePlace(dataDir, undefined);
    const socket = await listenOn(path);
    return { address: { path }, port: INNER_PORT, socket, forwardTo: INNER_PORT };
  }
  if (service.listen === 'fd' && isIsolated(service)) {
    // A TCP socket could be used to connect to what is outside of the isolation.
    const path = await makePlace(dataDir, undefined);
    return { address: { path }, socket: await listenOn(path) };
  }
  const port = await ports.allocate();
  const address = { host: LOOPBACK, port };
  if (service.listen === 'port') return { address, port };
  try {
    return { address, port, socket: await listening({ ...address, backlog: BACKLOG }) };
  } catch (error) {
    ports.release(port);
    throw error;
  }
}

/** As openEndpoint for what stays when a run ends: as it is already, or a path that is the instance's for ever. */
export async function standingEndpoint(
  { listen, network }: Pick<ServiceConfig, 'listen' | 'network'>,
  path: string,
  known: Standing | undefined,
  ports: Ports,
): Promise<Endpoint> {
  if (listen === 'unix') {
    throw new TenementError(
      'isolation_unavailable',
      'isolation = "socket-activation" has the app listen on a port, or on a socket that it is given',
      { hint: 'Use `listen = "port"` or `listen = "fd"`.' },
    );
  }
  const address = { path };
  if (listen === 'fd') return { address };
  const port = network === 'host' ? (known?.forwardTo ?? (await ports.allocate())) : INNER_PORT;
  return { address, port, forwardTo: port };
}

/** Where the app may write beside its socket, which counts as its data; none unless it makes the socket itself. */
export function writablePlace(
  service: Pick<ServiceConfig, 'listen'> | undefined,
  address: Address | undefined,
): string[] {
  return service?.listen === 'unix' && address !== undefined && 'path' in address
    ? [dirname(address.path)]
    : [];
}

/** Undoes openEndpoint, once nothing of the instance is left. Idempotent. */
export async function closeEndpoint(address: Address, ports: Ports): Promise<void> {
  if ('port' in address) ports.release(address.port);
  else await removeTree(dirname(address.path));
}

/** Takes the address of a process that was adopted. */
export function keepEndpoint(address: Address, ports: Ports): void {
  if ('port' in address) ports.reserve(address.port);
}

/** Removes the places of processes that a server which died has left; `kept` are in use. */
export async function sweepEndpoints(dataDir: string, kept: readonly Address[]): Promise<void> {
  const root = placesOf(dataDir);
  const used = new Set(kept.flatMap((address) => ('path' in address ? [dirname(address.path)] : [])));
  const names = await readdir(root).catch(() => []);
  for (const name of names) {
    // What an app has made of it is no reason not to serve the others: it is in nobody's way.
    if (!used.has(join(root, name))) await removeTree(join(root, name)).catch(() => undefined);
  }
}

function placesOf(dataDir: string): string {
  return join(dataDir, '.run');
}

/**
 * A directory for one socket of one run. Its name cannot be guessed: an app that replaces its socket by a link to a sibling's would have
 * its visitors answered by that one. Only its own user enters it.
 */
async function makePlace(dataDir: string, identity: Identity | undefined): Promise<string> {
  const root = placesOf(dataDir);
  const path = join(root, randomBytes(6).toString('hex'), 's');
  const longest = LONGEST_SOCKET_PATH - Buffer.byteLength(path) - TEMPORARY.length;
  if (longest < 0) {
    throw new TenementError(
      'start_failed',
      `the path of its socket, ${path}, is ${-longest} bytes longer than the system allows`,
      { hint: 'Choose a `data_dir` with a shorter path, or `listen = "port"`.' },
    );
  }
  try {
    await mkdir(root, { mode: 0o711 });
    await chmod(root, 0o711);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  await mkdir(dirname(path), { mode: 0o700 });
  if (identity !== undefined) await chown(dirname(path), identity.uid, identity.gid);
  return path;
}

const TEMPORARY = '~';

/** Node removes what it has listened on when it closes; the instance goes on with the socket, so it gets its name afterwards. */
async function listenOn(path: string): Promise<Server> {
  const server = await listening({ path: path + TEMPORARY, backlog: BACKLOG });
  await rename(path + TEMPORARY, path);
  return server;
}

async function listening(
  where: { path: string; backlog: number } | { host: string; port: number; backlog: number },
): Promise<Server> {
  // Nobody has been told of it yet: who connects before the instance has taken it over is a stranger.
  const server = createServer((socket) => socket.destroy());
  server.listen(where);
  await once(server, 'listening');
  server.unref();
  return server;
}
