import { createSocket } from 'node:dgram';
import { connect, isIPv6, type NetConnectOpts } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Result, Targets } from './attempt.js';

const WAIT_MS = 1000;

export async function networkAttacks(targets: Targets): Promise<Record<string, Result>> {
  const addresses = [
    '127.0.0.1',
    '::1',
    ...Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
  ];
  const unique = [...new Set(addresses)];
  const tcp = (port: number): Promise<Result> =>
    firstOf(unique.map((host) => reaches({ host, port }, `${host} port ${port}`)));
  const [sibling, udp, management, abstract, socket, bus] = await Promise.all([
    tcp(targets.siblingPort),
    firstOf(unique.map((host) => answers(host, targets.siblingPort))),
    tcp(targets.managementPort),
    reaches({ path: `\0${targets.abstractName}` }, 'an abstract socket'),
    reaches({ path: targets.managementSocket }, targets.managementSocket),
    reaches({ path: '/run/dbus/system_bus_socket' }, 'the system bus'),
  ]);
  return {
    'sibling-port': sibling,
    'sibling-udp': udp,
    'management-port': management,
    'abstract-socket': abstract,
    'management-socket': socket,
    'system-bus': bus,
  };
}

async function firstOf(all: readonly Promise<Result>[]): Promise<Result> {
  return (await Promise.all(all)).find((result) => result !== false) ?? false;
}

function reaches(options: NetConnectOpts, what: string): Promise<Result> {
  return new Promise((resolve) => {
    const socket = connect(options);
    const done = (result: Result): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(WAIT_MS, () => done(false));
    socket.on('connect', () => done(what));
    socket.on('error', () => done(false));
  });
}

/** Nothing tells that a datagram arrived but an answer. */
function answers(host: string, port: number): Promise<Result> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    let over = false;
    const done = (result: Result): void => {
      clearTimeout(timer);
      if (!over) socket.close();
      over = true;
      resolve(result);
    };
    const timer = setTimeout(() => done(false), WAIT_MS);
    socket.on('message', () => done(`${host} port ${port}`));
    socket.on('error', () => done(false));
    socket.send('who is there', port, host, (error) => {
      if (error) done(false);
    });
  });
}
