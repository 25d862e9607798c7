/**
 * `node BUILD/test/bench/fleet/main.js [REGISTERED] [AT_ONCE] [RUNNING]` (default 10000, 100 and 200): what a server costs with so many customers that
 * sleep, how long so many sleepers take that are asked at once, and what so many cost that run. As root also with `namespace`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../../src/base/package-root.js';
import { openStore } from '../../../src/state/store.js';
import { cpuSeconds, residentMb } from '../lib/proc-usage.js';
import { smallEnvironment } from '../lib/processes.js';
import { Served, service } from '../lib/served.js';
import { median } from '../lib/statistics.js';
import { textTable } from '../lib/text-table.js';

const WINDOW_MS = 20_000;
const ROUNDS = 3;
const [registered = 10_000, atOnce = 100, running = 200] = process.argv.slice(2).map(Number);
const names = (count: number) => Array.from({ length: count }, (_, i) => `i${i}`);

process.stdout.write(
  `\nRegistered and asleep\n${textTable([
    ['instances', 'RSS MB', '% of a core', 'ten ps -a ms', 'ten ps ms'],
    await asleep(1000),
    await asleep(registered),
  ])}`,
);

const wakes = [['isolation', 'alone ms', 'through the proxy ms', 'ratio', 'errors']];
for (const isolation of ['process', ...(process.getuid?.() === 0 ? ['namespace'] : [])])
  wakes.push(await wake(isolation));
process.stdout.write(`\n${atOnce} sleepers asked at once, median of ${ROUNDS}\n${textTable(wakes)}`);

process.stdout.write(
  `\nRunning, a health check every 10 s\n${textTable([
    ['instances', 'RSS MB', '% of a core'],
    await awake(),
  ])}`,
);

async function asleep(count: number): Promise<string[]> {
  const served = await Served.start(service('app', 'process', ''), (dataDir) => {
    const store = openStore(dataDir);
    for (const id of names(count)) store.registry.register({ service: 'app', id }, Date.now());
    store.close();
  });
  try {
    const cpu = await share(served, new Set());
    const all: number[] = [];
    const few: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      all.push(await served.ten('ps', '-a'));
      few.push(await served.ten('ps'));
    }
    return [
      String(count),
      residentMb(served.pid).toFixed(0),
      cpu,
      median(all).toFixed(0),
      median(few).toFixed(0),
    ];
  } finally {
    await served.end();
  }
}

/** The share of a core over a while, without what runs below `except`. */
async function share(served: Served, except: ReadonlySet<number>): Promise<string> {
  const before = cpuSeconds(served.pid, except);
  await pause(WINDOW_MS);
  return (((cpuSeconds(served.pid, except) - before) / WINDOW_MS) * 100_000).toFixed(2);
}

async function wake(isolation: string): Promise<string[]> {
  const served = await Served.start(service('app', isolation, 'health_timeout = 60'));
  const alone: number[] = [];
  const through: number[] = [];
  let errors = 0;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push(await startAlone());
      const began = performance.now();
      const answers = names(atOnce).map((id) => served.ask(`${id}.app.localhost`).catch(() => errors++));
      await Promise.all(answers);
      through.push(performance.now() - began);
      for (const id of names(atOnce)) await served.api(`/api/instances/app:${id}?forget=1&purge=1`, 'DELETE');
    }
  } finally {
    await served.end();
  }
  const ratio = median(through.map((ms, round) => ms / (alone[round] ?? Number.NaN)));
  return [isolation, median(alone).toFixed(0), median(through).toFixed(0), ratio.toFixed(2), String(errors)];
}

/** Milliseconds until as many of the same program, started by spawn() and nothing else, all listen. */
async function startAlone(): Promise<number> {
  const app = join(packageRoot, 'test', 'fixtures', 'apps', 'listen.mjs');
  const began = performance.now();
  const children: ChildProcess[] = [];
  try {
    for (let left = atOnce; left > 0; left -= 1) {
      const env = { ...smallEnvironment, PORT: '0' };
      children.push(spawn(process.execPath, [app], { env, stdio: ['ignore', 'pipe', 'ignore'] }));
    }
    // It says so when it listens.
    await Promise.all(children.map(({ stdout }) => stdout && once(stdout, 'data')));
    return performance.now() - began;
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

async function awake(): Promise<string[]> {
  const served = await Served.start(service('app', 'process', ''));
  try {
    const queue = names(running);
    const worker = async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift())
        await served.ask(`${id}.app.localhost`);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    const apps = new Set((await served.views()).map(({ pid }) => pid ?? 0));
    return [String(running), residentMb(served.pid, apps).toFixed(0), await share(served, apps)];
  } finally {
    await served.end();
  }
}
