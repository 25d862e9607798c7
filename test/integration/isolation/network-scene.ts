/**
 * What instances reach, in a network of the test's own: `unshare --net node network-scene.js BACKEND NETWORK`. Beside the machine's network there
 * is a second one, the world outside, with a public address and some private ones. Prints one line of JSON.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Network, Spec } from '../../../isolation/contract.js';
import { createBackends, probeHost, select } from '../../../isolation/index.js';
import { Firewall, nftRunner } from '../../../isolation/network/firewall.js';
import { reap } from '../../../isolation/network/reaper.js';
import { nameservers } from '../../../isolation/network/resolver.js';
import { egressEntry, loopbackEntry } from '../../../isolation/network/rules.js';
import { createTable, EGRESS, LOOPBACK, putEntry } from '../../../isolation/network/script.js';
import { until } from '../../helpers/until.js';
import { Bench, start } from './bench.js';
import { newUser } from './variants.js';

type Target = readonly [name: string, way: 'tcp' | 'udp', host: string, port: number];

const WORLD = '203.0.113.2';
const OWN = '203.0.113.1';
const PORT = 8000;
const PRIVATE = ['10.1.2.3', '192.168.77.7', '169.254.169.254', '100.64.9.9'];
const ALLOWED = '10.1.2.4';
const [backendId = '', network = ''] = process.argv.slice(2);

const undo: (() => Promise<void> | void)[] = [];
const t = { teardown: (action: () => Promise<void> | void) => void undo.push(action) };
const sh = (script: string): string => execFileSync('/bin/sh', ['-ec', script], { encoding: 'utf8' });

const [resolver = '10.9.9.9'] = nameservers(readFileSync('/etc/resolv.conf', 'utf8'));

async function makeWorld(): Promise<ChildProcess> {
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
async function localServer(port: number): Promise<number> {
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

async function main(): Promise<unknown> {
  await makeWorld();
  const host = await probeHost();
  const without = { ...host, cgroupRoot: undefined, legacyCgroups: {} };
  const backend = select(createBackends(without), backendId as 'namespace', without);
  const management = await localServer(0);
  const allowedPort = await localServer(0);
  const bench = new Bench(t, newUser(true));
  const siblingBench = new Bench(t, newUser(true));
  const siblingPort = 31_111;
  const kind = network as Network;
  const sibling = await start(t, backend, {
    ...siblingBench.spec(siblingBench.app('listen'), { PORT: String(siblingPort), HOST: '0.0.0.0' }),
    network: kind,
    allowLocal: [],
  });
  await until('the sibling listens', () => siblingBench.stdout().includes('listening'));
  const everywhere = (name: string, port: number): Target[] =>
    ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', OWN].flatMap((address): Target[] => [
      [`${name} tcp ${address}`, 'tcp', address, port],
      ...(address.startsWith('::ffff') ? [] : ([[`${name} udp ${address}`, 'udp', address, port]] as const)),
    ]);
  const siblingAddress = sibling.ref.net?.egress?.address;
  const targets: Target[] = [
    ...everywhere('management', management),
    ...everywhere('sibling', siblingPort),
    ...(siblingAddress === undefined
      ? []
      : ([['sibling tcp itself', 'tcp', siblingAddress, siblingPort]] as const)),
    ['world tcp', 'tcp', WORLD, PORT],
    ['world udp', 'udp', WORLD, PORT],
    ...PRIVATE.map((address): Target => [`private tcp ${address}`, 'tcp', address, PORT]),
    ...PRIVATE.map((address): Target => [`private udp ${address}`, 'udp', address, PORT]),
    ['resolver tcp', 'tcp', resolver, 53],
    ['resolver udp', 'udp', resolver, 53],
    ['allowed local tcp', 'tcp', kind === 'egress' ? OWN : '127.0.0.1', allowedPort],
    ['allowed local udp', 'udp', kind === 'egress' ? OWN : '127.0.0.1', allowedPort],
    ['allowed private tcp', 'tcp', ALLOWED, PORT],
    ['own port', 'tcp', '127.0.0.1', 31_112],
  ];
  const spec: Spec = {
    ...bench.spec(bench.app('reach'), { PORT: '31112', TARGETS: JSON.stringify(targets) }),
    network: kind,
    allowLocal: [
      { host: kind === 'egress' ? OWN : '127.0.0.1', port: allowedPort },
      { host: ALLOWED, port: PORT },
    ],
  };
  const handle = await start(t, backend, spec);
  await until('it has tried', () => bench.stdout().includes('}'));
  const during = sh(
    '/usr/sbin/nft list ruleset; ip -o link; ip route; cat /proc/sys/net/ipv4/conf/up0/forwarding',
  );
  const reached = JSON.parse(bench.stdout());
  // From outside: as the proxy does.
  const proxied = await tcpReaches('127.0.0.1', 31_112);
  const adoption = await backend.adopt(JSON.parse(JSON.stringify(handle.ref)));
  const again = adoption.kind === 'adopted' ? adoption.handle : handle;
  await again.stop({ graceMs: 5_000 });
  await sibling.stop({ graceMs: 0 });
  const left = sh(
    '/usr/sbin/nft list ruleset; ip -o link | grep tnmt || :; cat /proc/sys/net/ipv4/conf/up0/forwarding',
  );
  const stale = await leaveAndReap();
  return { stale, reached, proxied, adoption: adoption.kind, during, left, stderr: bench.stderr() };
}

/** Rules for users and devices that do not exist, as a server that died has left them; what is there of them before and after. */
async function leaveAndReap(): Promise<readonly [string, string]> {
  const run = nftRunner('/usr/sbin/nft');
  const lost = loopbackEntry(1_900_199_999, [1], []);
  const kept = loopbackEntry(process.getuid?.() ?? 0, [1], []);
  const device = egressEntry('tnmt-0acb0102', '10.203.1.2', []);
  await run([...createTable(LOOPBACK), ...putEntry(LOOPBACK, lost), ...putEntry(LOOPBACK, kept)]);
  await run([...createTable(EGRESS), ...putEntry(EGRESS, device)]);
  const before = sh('/usr/sbin/nft list ruleset');
  const list = async (table: string, map: string): Promise<string> =>
    sh(`/usr/sbin/nft --json list map inet ${table} ${map}`);
  await reap(new Firewall(LOOPBACK, run), new Firewall(EGRESS, run), list, async () => undefined);
  return [before, sh('/usr/sbin/nft list ruleset')];
}

async function tcpReaches(host: string, port: number): Promise<boolean> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    t.teardown(() => void socket.destroy());
  });
}

try {
  console.log(JSON.stringify(await main()));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  for (const action of undo.reverse()) await action();
}
