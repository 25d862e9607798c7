/**
 * What instances reach, in a network of the test's own: `unshare --net node network-scene.js BACKEND NETWORK`. Beside the machine's network there
 * is a second one, the world outside, with a public address and some private ones. Prints one line of JSON.
 */
import type { Network, Spec } from '../../../isolation/contract.js';
import { createBackends, probeHost, select } from '../../../isolation/index.js';
import { Firewall, nftRunner } from '../../../isolation/network/firewall.js';
import { reap } from '../../../isolation/network/reaper.js';
import { egressEntry, loopbackEntry } from '../../../isolation/network/rules.js';
import { createTable, EGRESS, LOOPBACK, putEntry } from '../../../isolation/network/script.js';
import { ScriptTeardown } from '../../helpers/script-teardown.js';
import { until } from '../../helpers/until.js';
import { Bench, start } from './bench.js';
import { newUser } from './variants.js';
import {
  ALLOWED,
  everywhere,
  localServer,
  makeWorld,
  OWN,
  PORT,
  PRIVATE,
  resolver,
  sh,
  type Target,
  WORLD,
} from './world.js';

const [backendId = '', network = ''] = process.argv.slice(2);

const t = new ScriptTeardown();

async function main(): Promise<unknown> {
  await makeWorld(t);
  const host = await probeHost();
  const without = { ...host, cgroupRoot: undefined, legacyCgroups: {} };
  const backend = select(createBackends(without), backendId as 'namespace', without);
  const management = await localServer(t, 0);
  const allowedPort = await localServer(t, 0);
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
  // The kernel takes devices away when it gets to it, which a stop does not wait for without end.
  await until('the devices have gone', () => sh('ip -o link | grep tnmt || :') === '');
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
  await t.run();
}
