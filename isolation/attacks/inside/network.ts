import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, createServer, isIPv6, type ListenOptions, type NetConnectOpts } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Result, Targets } from './attempt.js';

export async function networkAttacks(targets: Targets): Promise<Record<string, Result>> {
  const addresses = [
    '127.0.0.1',
    '::1',
    ...Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
  ];
  const unique = [...new Set(addresses)];
  const tcp = (port: number): Promise<Result> =>
    firstOf(unique.map((host) => reaches({ host, port }, `${host} port ${port}`, targets.waitMs)));
  const share = await firstOf(
    WHERE_LOOPBACK_ARRIVES.map((host) => shares({ host, port: targets.siblingPort })),
  );
  const [sibling, udp, management, abstract, socket, bus] = await Promise.all([
    tcp(targets.siblingPort),
    firstOf(unique.map((host) => answers(host, targets.siblingPort, targets.waitMs))),
    tcp(targets.managementPort),
    reaches({ path: `\0${targets.abstractName}` }, 'an abstract socket', targets.waitMs),
    reaches({ path: targets.managementSocket }, targets.managementSocket, targets.waitMs),
    reaches({ path: '/run/dbus/system_bus_socket' }, 'the system bus', targets.waitMs),
  ]);
  return {
    'sibling-port': sibling,
    'sibling-udp': udp,
    'sibling-port-share': share,
    'management-port': management,
    'abstract-socket': abstract,
    'management-socket': socket,
    'system-bus': bus,
  };
}

const WHERE_LOOPBACK_ARRIVES = ['127.0.0.1', '0.0.0.0', '::'];

/** In a network of its own it may have every port: only beside another that listens there would it get what is that one's. */
function shares(options: ListenOptions): Promise<Result> {
  if (listeners(options.port ?? 0) === 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', () => resolve(false));
    server.listen(options, () => server.close(() => resolve(`${options.host} port ${options.port}`)));
  });
}

/** Of its network, by /proc/net/tcp. */
function listeners(port: number): number {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6']
    .flatMap((name) => {
      try {
        return readFileSync(`/proc/net/${name}`, 'latin1').split('\n');
      } catch {
        return [];
      }
    })
    .filter((line) => {
      const [, address = '', , state] = line.trim().split(/\s+/);
      return state === '0A' && address.endsWith(end);
    }).length;
}

/** As soon as one has reached something: the others need not be waited for. */
function firstOf(all: readonly Promise<Result>[]): Promise<Result> {
  return new Promise((resolve) => {
    for (const one of all) void one.then((result) => result !== false && resolve(result));
    void Promise.all(all).then(() => resolve(false));
  });
}

function reaches(options: NetConnectOpts, what: string, waitMs: number): Promise<Result> {
  return new Promise((resolve) => {
    const socket = connect(options);
    const done = (result: Result): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(waitMs, () => done(false));
    socket.on('connect', () => done(what));
    socket.on('error', () => done(false));
  });
}

/** Nothing tells that a datagram arrived but an answer. */
function answers(host: string, port: number, waitMs: number): Promise<Result> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    let over = false;
    const done = (result: Result): void => {
      clearTimeout(timer);
      if (!over) socket.close();
      over = true;
      resolve(result);
    };
    const timer = setTimeout(() => done(false), waitMs);
    socket.on('message', () => done(`${host} port ${port}`));
    socket.on('error', () => done(false));
    socket.send('who is there', port, host, (error) => {
      if (error) done(false);
    });
  });
}
