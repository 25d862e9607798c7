/** Everything that is started before anything is measured. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../../helpers/free-port.js';
import { type Processes, untilUp } from '../lib/processes.js';
import type { Contestant } from './contestant.js';
import type { Options } from './options.js';
import { OUTPUT, PEERS, type Peer } from './peers.js';
import { FILES_HOST, SINK_HOST, SMALL, type UpstreamPorts } from './sites.js';
import { noAccessLog, startTenement, type Tenement } from './tenement.js';
import { type UpstreamScripts, writeUpstream } from './upstream.js';

/** The proxy has the first processor for itself; load and upstream share the second. */
export const PROXY_CORE = '0';
export const LOAD_CORE = '1';

export interface Setting {
  readonly processes: Processes;
  /** The temporary directory of the run. */
  readonly dir: string;
  readonly options: Options;
  /** argv of this program up to the name of one of its parts. */
  readonly programs: readonly string[];
  readonly skipped: string[];
}

/** Starts the proxies that the options name, each on PROXY_CORE, and sees that each routes both sites. */
export async function startAll(setting: Setting): Promise<Contestant[]> {
  const { options, skipped } = setting;
  const prefix = `taskset -c ${LOAD_CORE}`;
  const upstream = upstreamIn(setting, 'pinned', prefix);
  const ports = await startUpstreams(setting, upstream, LOAD_CORE);
  const all: Contestant[] = [];
  const wanted = (name: string) => options.proxies === undefined || options.proxies.has(name);
  for (const log of [false, true]) {
    for (const peer of PEERS) {
      const name = log ? `${peer.name}+log` : peer.name;
      if (wanted(name)) all.push(await startPeer(setting, peer, { name, ports, log, cores: PROXY_CORE }));
    }
    const name = log ? 'tenement+log' : 'tenement';
    if (!wanted(name)) continue;
    try {
      all.push(await startOurs(setting, { name, upstream, prefix, log, cores: PROXY_CORE }));
    } catch (error) {
      const reason = log ? noAccessLog(error) : undefined;
      if (reason === undefined) throw error;
      skipped.push(`${name}: ${reason}`);
    }
  }
  for (const { name, port } of all) await seeThatItRoutes(name, port);
  return all;
}

export function upstreamIn(setting: Setting, name: string, prefix: string): UpstreamScripts {
  const dir = join(setting.dir, name);
  mkdirSync(dir);
  return writeUpstream(dir, setting.options.largeBytes, prefix);
}

/** The upstreams of the peers; tenement starts its own by the same scripts. */
export async function startUpstreams(
  { processes, dir, programs }: Setting,
  upstream: UpstreamScripts,
  cores: string | undefined,
): Promise<UpstreamPorts> {
  const start = async (argv: readonly string[], host: string, path: string) => {
    const port = await freePort();
    const output = join(dir, `upstream-${port}.txt`);
    const child = processes.start(['env', `PORT=${port}`, ...argv], { cwd: dir, output, cores });
    await untilUp(`the upstream ${host}`, child, output, async () => (await fetchFrom(port, host, path)) > 0);
    return port;
  };
  return {
    files: await start(['sh', upstream.files], FILES_HOST, SMALL.path),
    sink: await start([...programs, 'sink'], SINK_HOST, '/'),
  };
}

export async function startPeer(
  { processes, dir, options }: Setting,
  peer: Peer,
  how: { name: string; ports: UpstreamPorts; log: boolean; cores: string | undefined },
): Promise<Contestant> {
  const own = join(dir, how.name);
  mkdirSync(own);
  const port = await freePort();
  const file = join(own, peer.file);
  const connections = options.idleConnections + 2000;
  writeFileSync(file, peer.config({ port, upstreams: how.ports, dir: own, log: how.log, connections }));
  const output = join(own, OUTPUT);
  const child = processes.start(peer.argv(file, own), { cwd: own, output, cores: how.cores });
  await untilUp(how.name, child, output, async () => (await fetchFrom(port, FILES_HOST, SMALL.path)) > 0);
  const logFile = how.log ? join(own, peer.logFile) : undefined;
  return { name: how.name, port, child, apps: new Set(), logFile };
}

export function startOurs(
  { processes, dir, options, programs }: Setting,
  how: { name: string; upstream: UpstreamScripts; prefix: string; log: boolean; cores: string | undefined },
): Promise<Tenement> {
  const { build } = options;
  return startTenement(processes, { ...how, build, dir: join(dir, how.name), programs });
}

async function seeThatItRoutes(name: string, port: number): Promise<void> {
  const files = await fetchFrom(port, FILES_HOST, SMALL.path);
  const sink = await fetchFrom(port, SINK_HOST, '/');
  if (files !== SMALL.bytes || sink !== 1) {
    throw new Error(`${name} does not route: ${files} and ${sink} bytes instead of ${SMALL.bytes} and 1`);
  }
}

/** Bytes of the body of a 200; 0 for anything else. */
function fetchFrom(port: number, host: string, path: string): Promise<number> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, headers: { host }, agent: false, timeout: 5000 }, (res) => {
      let bytes = 0;
      res.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      res.once('close', () => resolve(res.statusCode === 200 && res.complete ? bytes : 0));
    }).once('error', () => resolve(0));
  });
}
