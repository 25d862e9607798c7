/**
 * The data path alone, in a thread of a process that starts other processes, or in a process of its own beside one that does. To
 * compare the two, with nothing else of the server in the way.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { parentPort, Worker } from 'node:worker_threads';
import { silentLog } from '../../../../src/base/log.js';
import { createProxy } from '../../../../src/proxy/server.js';
import type { Lease, UpstreamAddress } from '../../../../src/proxy/upstreams.js';
import { report } from '../../lib/reporter.js';
import { FILES_HOST } from '../sites.js';

/** What a supervisor with some hundred instances holds in memory. */
const HELD_BYTES = 48 * 1024 * 1024;

export type Place = 'thread' | 'process';

/** Reports its port. Starts `perSecond` processes a second between the lines `busy` and `quiet` of its stdin. */
export async function planeHost(place: Place, upstream: number, perSecond: number): Promise<void> {
  const held = Buffer.alloc(HELD_BYTES, 1);
  const main = process.argv[1] ?? '';
  const port = await new Promise<number>((resolve) => {
    const argv = ['plane', String(upstream)];
    if (place === 'process') fork(main, argv).once('message', (message) => resolve(Number(message)));
    else new Worker(main, { argv, stdin: true }).once('message', (message) => resolve(Number(message)));
  });
  report({ port });
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    // Touched, as a supervisor's memory is between two starts.
    held.fill(Math.random() * 256, 0, HELD_BYTES / 8);
    const child: ChildProcess = spawn('/bin/true', { stdio: 'ignore' });
    child.once('error', () => {});
  };
  process.stdin.setEncoding('utf8').on('data', (text: string) => {
    clearInterval(timer);
    if (text.trim() === 'busy') timer = setInterval(begin, 1000 / perSecond);
  });
  process.stdin.once('end', () => process.exit());
}

/** Runs the data path here and tells its port to who started it. */
export async function plane(upstream: number): Promise<void> {
  const address: UpstreamAddress = { host: '127.0.0.1', port: upstream };
  const policy = { requestTimeoutMs: 10_000, maxBodyBytes: undefined };
  const never = new AbortController().signal;
  const nothing = () => {};
  const lease: Lease = {
    ...{ instance: 'files:one', address, policy, closing: never, suspect: nothing, release: nothing },
  };
  const proxy = createProxy({
    upstreams: { policy: () => policy, acquireNow: () => lease, acquire: async () => lease },
    table: () => table,
    own: () => address,
    log: silentLog,
    trustedProxies: () => [],
    onRequestEnd: nothing,
  });
  const table = {
    domain: FILES_HOST.split('.').slice(2).join('.'),
    services: new Map([['files', { balance: false }]]),
    subdomain: new Map(),
    path: [],
  };
  const [bound] = await proxy.listen([{ host: '127.0.0.1', port: 0 }]);
  const port = bound?.port ?? 0;
  if (parentPort !== null) parentPort.postMessage(port);
  else process.once('disconnect', () => process.exit()).send?.(port);
}
