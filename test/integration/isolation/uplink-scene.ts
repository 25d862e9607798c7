/**
 * What instances of a server that is not root reach with `egress`: `unshare --net --mount node uplink-scene.js namespace pasta` makes the world as root,
 * and then starts itself as a normal user. Prints one line of JSON.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Backend } from '../../../isolation/contract.js';
import { prepareExec } from '../../../isolation/exec.js';
import { createBackends, probeHost, select } from '../../../isolation/index.js';
import { ScriptTeardown } from '../../helpers/script-teardown.js';
import { until } from '../../helpers/until.js';
import { Bench, lives, start } from './bench.js';
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

const t = new ScriptTeardown();
const [, self = '', backendName = '', tool = '', ...ports] = process.argv;
const OTHER_TOOL: Readonly<Record<string, string>> = { pasta: 'slirp4netns', slirp4netns: 'pasta' };

/** Where systems give it to all. */
const TUN = 'mount -t tmpfs -o mode=755 tun /dev/net && mknod -m 666 /dev/net/tun c 10 200';

async function asRoot(): Promise<string> {
  sh(TUN);
  await makeWorld(t);
  const [management, allowed] = [await localServer(t, 0), await localServer(t, 0)];
  const { uid } = newUser(true);
  const { stdout, stderr } = await promisify(execFile)('setpriv', [
    ...['--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--'],
    ...[process.execPath, self, backendName, tool, String(management), String(allowed)],
  ]);
  process.stderr.write(stderr);
  return stdout.trim();
}

/** Of this user, with their parents, as `ps` shows them. */
const connecting = (): string[] =>
  sh(`ps -o pid=,args= -U ${process.getuid?.()} || :`)
    .split('\n')
    .filter((line) => /\d (\S*\/)?(pasta(\.avx2)?|slirp4netns) /.test(line));

/** An app that knows only a port: how it answers, that it is what is taken for it, and what a command beside it sees. */
async function forwarded(backend: Backend): Promise<object> {
  const bench = new Bench(t);
  const path = join(bench.directory, 's');
  const outer = createServer();
  await new Promise<void>((resolve) => outer.listen(`${path}~`, resolve));
  renameSync(`${path}~`, path);
  const named = { TENEMENT_SERVICE: 'notes', TENEMENT_INSTANCE: 'alice' };
  const handle = await start(t, backend, {
    ...bench.spec(bench.app('listen'), { PORT: '8080', ...named }),
    network: 'egress',
    address: { path },
    socket: outer,
    forwardTo: 8080,
  });
  outer.close();
  await until('it listens', async () => (await handle.listener?.()) === 'own');
  const socket = connect(path);
  socket.end('GET / HTTP/1.0\r\n\r\n');
  const [answer] = await once(socket, 'data');
  const launch = await prepareExec({
    pid: handle.ref.pid,
    service: 'notes',
    tenant: 'alice',
    command: [
      '/bin/sh',
      '-c',
      'id -u; grep CapEff /proc/self/status; cat /proc/net/tcp; perl -0ne "print qq(process 1: \\$1\\n) if /^(.+?)=/" /proc/1/environ 2>/dev/null || :',
    ],
    extraEnv: {},
  });
  // What the wrappers report comes with the complaints.
  const report = ['-c', 'exec 3>&2; exec "$@"', 'report', launch.file, ...launch.args];
  const { stdout: inside, stderr } = await promisify(execFile)('/bin/sh', report, {
    env: launch.env,
  }).catch((error: unknown) => ({ stdout: '', stderr: String(error) }));
  const main = readFileSync(`/proc/${handle.ref.pid}/cmdline`, 'latin1');
  const status = readFileSync(`/proc/${handle.ref.pid}/status`, 'latin1');
  await handle.stop({ graceMs: 5_000 });
  return {
    answer: String(answer).slice(0, 12),
    main: main.includes('listen.mjs'),
    powers: /CapBnd:\s*(\S+)/.exec(status)?.[1],
    inside: [inside, stderr],
    self: process.getuid?.(),
    left: lives(handle.ref.pid),
  };
}

async function asUser(management: number, allowed: number): Promise<string> {
  process.chdir('/');
  const probed = await probeHost();
  const host = { ...probed, tools: { ...probed.tools, [OTHER_TOOL[tool] ?? '']: undefined } };
  const id = backendName === 'sandbox' ? 'sandbox' : 'namespace';
  const backend = select(createBackends(host), id, host);
  const bench = new Bench(t);
  const siblingBench = new Bench(t);
  const sibling = await start(t, backend, {
    ...siblingBench.spec(siblingBench.app('listen'), { PORT: '31111', HOST: '0.0.0.0' }),
    network: 'egress',
  });
  await until('the sibling listens', () => siblingBench.stdout().includes('listening'));
  const targets: Target[] = [
    ...everywhere('management', management),
    ...everywhere('sibling', 31_111),
    ['world tcp', 'tcp', WORLD, PORT],
    ['world udp', 'udp', WORLD, PORT],
    ...['192.0.0.1', ...PRIVATE].flatMap((address): Target[] => [
      [`private tcp ${address}`, 'tcp', address, address === '192.0.0.1' ? management : PORT],
      [`private udp ${address}`, 'udp', address, address === '192.0.0.1' ? management : PORT],
    ]),
    ['resolver tcp', 'tcp', resolver, 53],
    ['resolver udp', 'udp', resolver, 53],
    ['allowed local tcp', 'tcp', OWN, allowed],
    ['allowed local udp', 'udp', OWN, allowed],
    ['allowed private tcp', 'tcp', ALLOWED, PORT],
    ['own port', 'tcp', '127.0.0.1', 31_112],
  ];
  const handle = await start(t, backend, {
    ...bench.spec(bench.app('reach'), { PORT: '31112', TARGETS: JSON.stringify(targets) }),
    network: 'egress',
    allowLocal: [
      { host: OWN, port: allowed },
      { host: ALLOWED, port: PORT },
    ],
  });
  await until('it has tried', () => bench.stdout().includes('}'));
  const during = connecting();
  const adoption = await backend.adopt(JSON.parse(JSON.stringify(handle.ref)));
  const again = adoption.kind === 'adopted' ? adoption.handle : handle;
  const main = lives(handle.ref.pid);
  await again.stop({ graceMs: 5_000 });
  // The guard's end is the end of all: nothing of ours has to live for that.
  process.kill(sibling.ref.guard?.pid ?? 0, 'SIGKILL');
  await sibling.exited;
  await until('nothing is left', () => connecting().length === 0);
  const port = await forwarded(backend);
  const without = createBackends({ ...host, tools: { ...host.tools, [tool]: undefined } }).get(id);
  const refused = await without
    ?.spawn({ ...bench.spec(['true']), network: 'egress' }, new AbortController().signal)
    .then(() => 'started', String);
  return JSON.stringify({
    reached: JSON.parse(bench.stdout()),
    during,
    adoption: adoption.kind,
    main,
    refused,
    port,
    stderr: bench.stderr(),
  });
}

try {
  const [management, allowed] = ports.map(Number);
  console.log(management === undefined ? await asRoot() : await asUser(management, allowed ?? 0));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await t.run();
}
