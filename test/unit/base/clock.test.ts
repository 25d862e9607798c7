import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { systemClock } from '../../../src/base/clock.js';
import { packageRoot } from '../../../src/base/package-root.js';

/** All that ask for the time of day, and what for. Whoever measures how long something lasts takes a Stopwatch or performance.now(). */
const TIME_OF_DAY: Record<string, string> = {
  'src/base/clock.ts': 'is the clock',
  'isolation/contained.ts': 'startedAt of a ref, which is saved',
  'isolation/process.ts': 'startedAt',
  'isolation/systemd-unit.ts': 'startedAt, and when it ended, where systemd does not say',
  'isolation/life.ts': 'when it ended, for people',
  'isolation/unit/life.ts': 'when it ended, where systemd does not say',
  'isolation/unit/socket-refs.ts': 'startedAt',
  'src/api/auth.ts': 'when a token was last used',
  'src/api/log-stream.ts': 'when a token was last used; the time of lines',
  'src/api/routes/logs.ts': '`since` is compared with the time of lines',
  'src/api/routes/tokens.ts': 'when a token was made',
  'src/api/server.ts': 'audit',
  'src/cli/doctor/machine.ts': 'compares it with the time of a file',
  'src/cli/local-tokens.ts': 'when a token was made; audit',
  'src/daemon.ts': 'when a token was made; audit',
  'src/logs/instance-log.ts': 'the time of lines',
  'src/proxy/plane/worker.ts': 'the time of access log lines',
  'src/supervisor/boot.ts': 'age of an adopted process: startedAt is all that is known',
  'src/supervisor/operations.ts': 'the date in the name of what goes to the trash',
  'src/supervisor/supervisor.ts': 'when it was registered; events',
};

test('only what is shown, recorded or compared with that asks for the time of day', (t) => {
  const asking = ['src', 'isolation', 'systemd', 'bin', 'scripts']
    .flatMap((top) => readdirSync(join(packageRoot, top), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => /\bDate\.now\b|\bnew Date\(\)|[cC]lock\.now\b/.test(readFileSync(path, 'utf8')))
    .map((path) => relative(packageRoot, path));
  t.deepEqual(asking.sort(), Object.keys(TIME_OF_DAY).sort());
});

test('monotonic time is the same in all threads', async (t) => {
  const before = systemClock.monotonic();
  const worker = new Worker(
    `import(${JSON.stringify(new URL('../../../src/base/clock.js', import.meta.url).href)}).then(({ systemClock }) =>
      require('node:worker_threads').parentPort.postMessage(systemClock.monotonic()));`,
    { eval: true },
  );
  t.teardown(() => worker.terminate());
  const there = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  t.true(before <= there);
  t.true(there <= systemClock.monotonic());
});

test('a timer is never early, also with a fraction', async (t) => {
  const began = systemClock.monotonic();
  // A timer of ours keeps no process alive.
  const awake = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(awake));
  await new Promise<void>((resolve) => void systemClock.after(1.9, resolve));
  t.true(systemClock.monotonic() - began >= 1);
});
