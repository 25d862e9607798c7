// A tenant that takes all it can get: processor time for a moment, and then twice the memory that it may have. MEMORY is that limit in bytes.
import { Worker } from 'node:worker_threads';

const BUSY_MS = 600;
/** As often, while it looks like too much: a burst that the kernel takes back afterwards is no more processor time. */
const ROUNDS = 10;
/** As the measurement judges it (measure.ts). */
const MOST_CORES = 0.8;
const THREADS = 2;
const CHUNK = 4 << 20;

// They end by themselves, should nobody be left to end them.
const busy = `const end = performance.now() + ${2 * ROUNDS * BUSY_MS}; while (performance.now() < end);`;
const workers = Array.from({ length: THREADS }, () => new Worker(busy, { eval: true }));
await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))));
const before = process.cpuUsage();
const start = process.hrtime.bigint();
let cores = Number.POSITIVE_INFINITY;
for (let round = 0; round < ROUNDS && cores > MOST_CORES; round += 1) {
  await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
  const { user, system } = process.cpuUsage(before);
  cores = (user + system) / (Number(process.hrtime.bigint() - start) / 1000);
}
await Promise.all(workers.map((worker) => worker.terminate()));
process.stdout.write(`${JSON.stringify({ cores })}\n`);

const most = 2 * Number(process.env.MEMORY ?? 0);
const taken: Buffer[] = [];
for (let bytes = 0; bytes < most; bytes += CHUNK) taken.push(Buffer.alloc(CHUNK, 1));
process.stdout.write(`${JSON.stringify({ bytes: taken.length * CHUNK })}\n`);
