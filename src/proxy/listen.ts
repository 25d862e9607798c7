import type { Server } from 'node:net';
import { errnoOf, TenementError } from '../base/errors.js';

export interface ListenAddress {
  /** An address, IPv6 with or without brackets; '0.0.0.0' and '::' for all. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

/** Connections that the kernel holds until we accept them: a burst must not be refused. */
const BACKLOG = 4096;

/**
 * Listens on one of `all` addresses; returns the port.
 * @throws TenementError `listen_failed`, with `errno` in its details.
 */
export function bind(server: Server, address: ListenAddress, all: readonly ListenAddress[]): Promise<number> {
  const host = address.host.replace(/^\[(.*)\]$/, '$1');
  // '::' takes IPv4 as well, unless IPv4 was asked for by itself.
  const ipv6Only = host === '::' && all.some((other) => other.host === '0.0.0.0');
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `Cannot listen on ${address.host} port ${address.port}: ${cause.message}`;
      reject(new TenementError('listen_failed', message, { cause, details: { errno: errnoOf(cause) } }));
    });
    server.listen({ host, port: address.port, ipv6Only, backlog: BACKLOG }, () => {
      server.removeAllListeners('error');
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? bound.port : address.port);
    });
  });
}
