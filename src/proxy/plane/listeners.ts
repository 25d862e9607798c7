import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { errnoOf, TenementError } from '../../base/errors.js';
import type { ListenSpec } from './protocol.js';

/** Takes a new connection of a listener. */
export type Accept = (socket: Socket, from: ListenSpec) => void;

export interface Listeners {
  /** With the ports that the system chose. */
  readonly addresses: readonly ListenSpec[];
  /** Stops accepting. Connections are left to their owner. */
  close(): void;
}

/** Connections that the kernel keeps while we are busy; it takes less where `net.core.somaxconn` says so. */
const BACKLOG = 4096;

/**
 * Listens on all addresses or on none.
 * @throws TenementError `listen_failed`, with `errno` in its details
 */
export async function listenOn(specs: readonly ListenSpec[], accept: Accept): Promise<Listeners> {
  const servers: Server[] = [];
  const close = () => {
    for (const server of servers) server.close();
  };
  try {
    const addresses: ListenSpec[] = [];
    for (const spec of specs) {
      if (spec.kind === 'unix') await clearStaleSocket(spec.path);
      // Half-open: a client may end its side and still wait for the answer.
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
      servers.push(server);
      server.on('connection', (socket) => accept(socket, spec));
      addresses.push(await bind(server, spec, specs));
    }
    return { addresses, close };
  } catch (error) {
    close();
    throw error;
  }
}

function bind(server: Server, spec: ListenSpec, all: readonly ListenSpec[]): Promise<ListenSpec> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `Cannot listen on ${describe(spec)}: ${cause.message}`;
      reject(new TenementError('listen_failed', message, { cause, details: { errno: errnoOf(cause) } }));
    });
    server.listen({ ...listenOptions(spec, all), backlog: BACKLOG }, () => {
      server.removeAllListeners('error');
      // Running out of file descriptors ends no listener: those that are open are served, and then more are taken.
      server.on('error', () => {});
      if (spec.kind === 'unix') chmodSync(spec.path, 0o660);
      const bound = server.address();
      const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
      resolve(spec.kind === 'tcp' ? { ...spec, port } : spec);
    });
  });
}

function listenOptions(spec: ListenSpec, all: readonly ListenSpec[]) {
  if (spec.kind === 'unix') return { path: spec.path };
  if (spec.kind === 'fd') return { fd: spec.fd };
  const host = spec.host.replace(/^\[(.*)\]$/, '$1');
  // '::' takes IPv4 as well, unless IPv4 was asked for by itself.
  const ipv6Only = host === '::' && all.some((other) => other.kind === 'tcp' && other.host === '0.0.0.0');
  return { host, port: spec.port, ipv6Only };
}

function describe(spec: ListenSpec): string {
  if (spec.kind === 'unix') return spec.path;
  return spec.kind === 'fd'
    ? `the inherited socket "${spec.name}" (fd ${spec.fd})`
    : `${spec.host} port ${spec.port}`;
}

/** A socket file stays when its server is killed. It is removed only when it is a socket, and nobody listens on it. */
async function clearStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const refused = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(errnoOf(error) === 'ECONNREFUSED'));
  });
  if (refused) rmSync(path, { force: true });
}
