import { statSync } from 'node:fs';
import test from 'ava';
import { alice, openLogs, write } from '../../helpers/log-bench.js';

// Files of ava run in processes of their own: this hides fallocate(1) from this one only, as on macOS.
process.env.PATH = '/nonexistent';

const MiB = 1024 * 1024;

test('where holes cannot be punched, a file is emptied once all of it was read', async (t) => {
  const logs = openLogs(t, { punchBytes: 64 * 1024 });
  const files = logs.open(alice);
  const numbered = (from: number): string =>
    `for (let i = ${from}; i < ${from} + 10000; i += 1) console.log('line ' + i);`;
  for (let round = 0; round < 5; round += 1) {
    await write(t, files, numbered(round * 10_000));
    await logs.flush(alice);
  }
  t.true(statSync(files.stdout).size < 300_000, `${statSync(files.stdout).size} bytes of 550,000`);
  const entries = await logs.query({ stream: 'stdout' }, 50_000);
  t.deepEqual(
    entries.map((entry) => entry.message),
    Array.from({ length: 50_000 }, (_, i) => `line ${i}`),
  );
});

test('a flood is bounded there too', async (t) => {
  const logs = openLogs(t, { punchBytes: 64 * 1024, backlogBytes: MiB });
  const files = logs.open(alice);
  await write(t, files, `for (let i = 0; i < 400; i += 1) console.log('z'.repeat(250000));`);
  await logs.flush(alice);
  t.true(statSync(files.stdout).blocks * 512 < 30 * MiB, `${statSync(files.stdout).blocks * 512} bytes`);
  t.true((await logs.query({ stream: 'tenement' }, 10)).length > 0);
});
