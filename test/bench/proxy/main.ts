/** `npm run bench:proxy`: tenement's proxy beside nginx, HAProxy and Caddy. options.ts has the options, page.ts says how. */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot, version } from '../../../src/base/package-root.js';
import { Processes, smallEnvironment } from '../lib/processes.js';
import { textTable } from '../lib/text-table.js';
import { measureLatency } from './latency.js';
import { measureIdle, measureSlowReaders } from './memory.js';
import { HELP, type Options, readOptions } from './options.js';
import { page } from './page.js';
import { PEERS } from './peers.js';
import { picture } from './picture.js';
import { runProgram } from './program.js';
import type { BenchResults } from './results.js';
import { type Setting, startAll } from './setting.js';
import { tables } from './tables.js';
import { measureThroughput } from './throughput.js';
import { measureTransfers } from './transfer.js';

const tell = (text: string) => void process.stderr.write(`${text}\n`);

if (!(await runProgram(process.argv.slice(2)))) await bench(readOptions(process.argv.slice(2)));

async function bench(options: Options): Promise<void> {
  if (options.help) return void process.stdout.write(HELP);
  const results =
    options.from === undefined
      ? await measure(options)
      : (JSON.parse(readFileSync(options.from, 'utf8')) as BenchResults);
  for (const { title, rows } of tables(results)) process.stdout.write(`\n${title}\n${textTable(rows)}`);
  for (const reason of results.skipped) process.stdout.write(`\nskipped: ${reason}\n`);
  if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(results, null, 1)}\n`);
  if (options.docs !== undefined) {
    writeFileSync(join(options.docs, 'performance.md'), page(results));
    writeFileSync(join(options.docs, 'performance.svg'), picture(results));
  }
}

async function measure(options: Options): Promise<BenchResults> {
  if (process.platform !== 'linux') throw new Error('the benchmark needs Linux: /proc, taskset');
  await execa('sh', [join(packageRoot, 'scripts', 'install-bench-tools.sh')], { stdio: 'inherit' });
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tenement-bench-')));
  const processes = new Processes();
  const interrupted = () => {
    void processes.endAll().finally(() => {
      rmSync(dir, { recursive: true, force: true });
      process.exit(130);
    });
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const programs = [process.execPath, import.meta.filename];
    return await measureIn({ processes, dir, options, programs, skipped: [] });
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await processes.endAll();
    if (options.keep) tell(`kept ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

async function measureIn(setting: Setting): Promise<BenchResults> {
  const { options, skipped } = setting;
  const want = options.sections;
  const date = new Date().toISOString();
  const versions = await versionsOf();
  const all = [...want].some((section) => section !== 'latency') ? await startAll(setting) : [];
  const plain = all.filter(({ name }) => !name.endsWith('+log'));
  const throughput = want.has('throughput') ? await measureThroughput(setting, all, tell) : [];
  const transfers = want.has('transfer') ? await measureTransfers(setting, plain, tell) : [];
  const slowReaders = want.has('slow-readers') ? await measureSlowReaders(setting, plain) : [];
  const idle = want.has('idle') ? await measureIdle(setting, plain) : [];
  // The others make way: their timers would be part of what is measured.
  for (const { child } of all) await setting.processes.end(child);
  const { latency, controlLoad } = want.has('latency')
    ? await measureLatency(setting, tell)
    : { latency: [], controlLoad: [] };
  return {
    format: 1,
    date,
    machine: options.machine,
    quick: options.quick,
    versions,
    rate: options.rate,
    throughput,
    transfers,
    slowReaders,
    idle,
    latency,
    controlLoad,
    skipped,
  };
}

async function versionsOf(): Promise<Record<string, string>> {
  const versions: Record<string, string> = { tenement: version, node: process.versions.node };
  for (const { name, version } of PEERS) {
    const { all } = await execa(version[0] ?? '', version.slice(1), {
      all: true,
      env: smallEnvironment,
      extendEnv: false,
    });
    versions[name] = /\d+\.\d+\.\d+/.exec(all)?.[0] ?? '?';
  }
  return versions;
}
