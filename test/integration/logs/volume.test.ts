import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { Logs } from '../../../src/logs/types.js';
import { alice, logDir, openLogs, startWriter, write } from '../../helpers/log-bench.js';
import { until } from '../../helpers/until.js';

const MiB = 1024 * 1024;
const LINES = 300_000;
const NUMBERED = `const fs = require('fs');
  for (let i = 0; i < ${LINES}; i += 1) fs.writeSync(1, 'line ' + i + ' with some more text\\n');`;

const logsModule = fileURLToPath(new URL('../../../src/logs/logs.js', import.meta.url));
const SERVER = `const { createLogs } = await import(process.argv[1]);
  const log = { warn: console.error, error: console.error };
  const logs = createLogs({ dir: process.argv[2], log, limits: JSON.parse(process.argv[3]) });
  logs.open({ service: 'notes', id: 'alice' }); setInterval(() => {}, 1000);`;

const diskBytes = (dir: string): number =>
  readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).blocks * 512, 0);

function count(logs: Logs, seen: Map<number, number>): void {
  logs.follow({}, ({ message }) => {
    const number = Number(/^line (\d+) with some more text$/.exec(message)?.[1] ?? Number.NaN);
    seen.set(number, (seen.get(number) ?? 0) + 1);
  });
}

test('300,000 lines: rotated, freed, each seen once', async (t) => {
  const dir = logDir(t);
  const logs = openLogs(t, { backlogBytes: 1000 * MiB, segmentBytes: MiB, bytesPerSecond: 1000 * MiB }, dir);
  const seen = new Map<number, number>();
  count(logs, seen);
  await write(t, logs.open(alice), NUMBERED);
  await logs.flush(alice);
  t.is(seen.size, LINES);
  t.true([...seen.values()].every((times) => times === 1));
  const newest = await logs.query({}, 3);
  t.is(newest.at(-1)?.message, `line ${LINES - 1} with some more text`);
  await logs.close(alice);
  const own = join(dir, 'notes', 'alice');
  t.true(statSync(join(own, 'entries.ndjson')).size <= MiB);
  t.true(statSync(join(own, 'entries.1.ndjson')).size <= MiB);
  // 10 MB were written.
  t.true(diskBytes(own) < 4 * MiB, `${diskBytes(own)} bytes on disk`);
});

test('the reader is replaced again and again while the app writes: each line once', async (t) => {
  const dir = logDir(t);
  const limits = { backlogBytes: 1000 * MiB, bytesPerSecond: 1000 * MiB };
  const seen = new Map<number, number>();
  let logs = openLogs(t, limits, dir);
  count(logs, seen);
  const writer = startWriter(t, logs.open(alice), NUMBERED);
  const exited = once(writer, 'exit');
  for (const lines of [1000, 20_000, 60_000, 150_000]) {
    await until(`${lines} lines`, () => seen.size >= lines, 60_000);
    await logs.closeAll();
    logs = openLogs(t, limits, dir);
    count(logs, seen);
    logs.open(alice);
  }
  t.deepEqual(await exited, [0, null]);
  await logs.flush(alice);
  t.is(seen.size, LINES);
  t.true([...seen.values()].every((times) => times === 1));
});

test('the server is killed again and again while the app writes: each line is stored once', async (t) => {
  const dir = logDir(t);
  // So slow that there is something left for each server when the test stands still for some seconds before it kills one.
  const limits = { backlogBytes: 1000 * MiB, segmentBytes: 100 * MiB, bytesPerSecond: MiB };
  const logs = openLogs(t, limits, dir);
  const files = logs.open(alice);
  await logs.closeAll();
  const entries = join(dir, 'notes', 'alice', 'entries.ndjson');
  const exited = once(startWriter(t, files, NUMBERED), 'exit');
  for (let kills = 0; kills < 6; kills += 1) {
    const before = statSync(entries, { throwIfNoEntry: false })?.size ?? 0;
    const server = spawn(
      process.execPath,
      ['--input-type=module', '-e', SERVER, logsModule, dir, JSON.stringify(limits)],
      {
        stdio: 'inherit',
      },
    );
    t.teardown(() => server.kill('SIGKILL'));
    const gone = once(server, 'exit');
    await until(
      'it stores lines',
      () => (statSync(entries, { throwIfNoEntry: false })?.size ?? 0) > before + MiB / 2,
    );
    server.kill('SIGKILL');
    await gone;
  }
  t.deepEqual(await exited, [0, null]);
  const last = openLogs(t, { ...limits, bytesPerSecond: 1000 * MiB }, dir);
  last.open(alice);
  await last.flush(alice);
  const stored = await last.query({}, 2 * LINES);
  t.is(stored.length, LINES);
  t.true(stored.every(({ message }, i) => message === `line ${i} with some more text`));
});

/** Serial: it measures the memory of the process, which would have that of the others, too. */
test.serial('a flood neither fills the disk nor the memory, and says what it cost', async (t) => {
  const dir = logDir(t);
  const logs = openLogs(t, {}, dir);
  const own = join(dir, 'notes', 'alice');
  const drops: string[] = [];
  logs.follow({ stream: 'tenement', search: 'bytes of stdout dropped' }, ({ message }) =>
    drops.push(message),
  );
  const rss = process.memoryUsage().rss;
  let worstTurn = 0;
  let last = performance.now();
  const probe = setInterval(() => {
    worstTurn = Math.max(worstTurn, performance.now() - last - 5);
    last = performance.now();
  }, 5);
  t.teardown(() => clearInterval(probe));
  await write(
    t,
    logs.open(alice),
    `const fs = require('fs'); const block = ('y'.repeat(99) + '\\n').repeat(10000);
     for (let i = 0; i < 300; i += 1) fs.writeSync(1, block);
     fs.writeSync(1, 'the last words\\n');`,
  );
  await logs.flush(alice);
  const [lastWords] = await logs.query({ stream: 'stdout' }, 1);
  t.is(lastWords?.message, 'the last words');
  t.true(drops.length > 0);
  await until('the disk is given back', () => diskBytes(own) < 30 * MiB);
  const grown = process.memoryUsage().rss - rss;
  t.log(
    `grown by ${Math.round(grown / MiB)} MiB, longest turn ${Math.round(worstTurn)} ms, ${drops.length} drops`,
  );
  t.true(grown < 150 * MiB);
});
