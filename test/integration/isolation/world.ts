/** A second network beside the machine's, as the world outside, for tests in a network of their own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { nameservers } from '../../../isolation/network/resolver.js';
import { until } from '../../helpers/until.js';
import type { Teardown } from './bench.js';

export type Target = readonly [name: string, way: 'tcp' | 'udp', host: string, port: number];

/** Of the world, public. */
export const WORLD = '203.0.113.2';
/** Of the machine, in the same network. */
export const OWN = '203.0.113.1';
export const PORT = 8000;
export const PRIVATE = ['10.1.2.3', '192.168.77.7', '169.254.169.254', '100.64.9.9'];
export const ALLOWED = '10.1.2.4';
export const [resolver = '10.9.9.9'] = nameservers(readFileSync('/etc/resolv.conf', 'utf8'));

export const sh = (script: string): string => execFileSync('/bin/sh', ['-ec', script], { encoding: 'utf8' });

export async function makeWorld(t: Teardown): Promise<ChildProcess> {
  const program = `
    const echo = (host, port) => new Promise((resolve) => {
      require('node:net').createServer((s) => s.end()).listen(port, host, () => {
        const u = require('node:dgram').createSocket('udp4');
        u.on('message', (_, from) => u.send('!', from.port, from.address)).bind(port, host, resolve);
      });
    });
    Promise.all(JSON.parse(process.argv[1]).map(([h, p]) => echo(h, p))).then(() => console.log('ready'));`;
  const servers = [WORLD, ...PRIVATE, ALLOWED].map((host) => [host, PORT]);
  const world = spawn(
    'unshare',
    [
      '--net',
      '--',
      '/bin/sh',
      '-c',
      'read go; exec "$@"',
      'sh',
      process.execPath,
      '-e',
      program,
      '--',
      JSON.stringify([...servers, [resolver, 53]]),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.teardown(() => void world.kill('SIGKILL'));
  await until('the world has its own network', () => {
    const own = sh('readlink /proc/self/ns/net');
    return sh(`readlink /proc/${world.pid}/ns/net`) !== own;
  });
  sh(`
    ip link set lo up
    ip link add up0 type veth peer name eth0 netns ${world.pid}
    ip addr add ${OWN}/24 dev up0
    ip link set up0 up
    nsenter --net=/proc/${world.pid}/ns/net sh -ec '
      ip link set lo up
      ip addr add ${WORLD}/24 dev eth0
      ip link set eth0 up
      for a in ${[...PRIVATE, ALLOWED, resolver].join(' ')}; do ip addr add $a/32 dev lo; done'
    ip route add default via ${WORLD}`);
  world.stdin?.write('\n');
  await once(world.stdout ?? world, 'data');
  return world;
}

/** TCP and UDP that answer on all addresses, as the management API and services of this machine. */
export async function localServer(t: Teardown, port: number): Promise<number> {
  const server = createServer((socket) => socket.end());
  t.teardown(() => void server.close());
  server.listen({ port, host: '::' });
  await once(server, 'listening');
  const bound = (server.address() as { port: number }).port;
  for (const [type, address] of [
    ['udp4', '127.0.0.1'],
    ['udp4', OWN],
    ['udp6', '::1'],
  ] as const) {
    const socket = createSocket(type);
    t.teardown(() => void socket.close());
    socket.on('message', (_, from) => socket.send('!', from.port, from.address));
    await new Promise<void>((resolve) => socket.bind(bound, address, resolve));
  }
  return bound;
}

/** What may be reached of a server that answers on all of this machine's addresses. */
export const everywhere = (name: string, port: number): Target[] =>
  ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', OWN].flatMap((address): Target[] => [
    [`${name} tcp ${address}`, 'tcp', address, port],
    ...(address.startsWith('::ffff') ? [] : ([[`${name} udp ${address}`, 'udp', address, port]] as const)),
  ]);
