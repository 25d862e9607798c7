/** As many requests as a proxy can take on its processor: wrk, 64 keep-alive connections. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Processes } from '../lib/processes.js';
import { type Contestant, cpuOf, memoryOf, rotated } from './contestant.js';
import type { ThroughputSample } from './results.js';
import { LOAD_CORE, type Setting } from './setting.js';
import { FILES_HOST, MEDIUM, SMALL } from './sites.js';

const CONNECTIONS = 64;
/** Bytes. */
const SHORTEST_LINE = 60;

/** wrk's own report is for people; this prints what wrk counted. Latencies in microseconds. */
const REPORT = `
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"micros":%d,"bytes":%d,"errors":%d,"p50":%d,"p99":%d}\\n',
    summary.requests, summary.duration, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`;

interface WrkResult {
  readonly requests: number;
  readonly micros: number;
  readonly bytes: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
}

export async function measureThroughput(
  { processes, dir, options, skipped }: Setting,
  contestants: readonly Contestant[],
  tell: (text: string) => void,
): Promise<ThroughputSample[]> {
  const script = join(dir, 'report.lua');
  writeFileSync(script, REPORT);
  const samples: ThroughputSample[] = [];
  for (const one of contestants) {
    // V8 needs some ten thousand requests until its code is what it stays; a server that runs for weeks is measured after that.
    const seconds = options.quick ? 1 : 3;
    for (const file of [MEDIUM, SMALL]) await wrk(processes, { script, dir, port: one.port, file, seconds });
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const file of [SMALL, MEDIUM]) {
      for (const one of rotated(contestants, round)) {
        const before = cpuOf(one);
        const result = await wrk(processes, {
          script,
          dir,
          port: one.port,
          file,
          seconds: options.seconds,
        });
        const cpuMicros = ((cpuOf(one) - before) * 1e6) / result.requests;
        check(one.name, file.bytes, result);
        samples.push({
          round,
          proxy: one.name,
          size: file.bytes,
          requests: result.requests,
          seconds: result.micros / 1e6,
          cpuMicros,
          p50: result.p50 / 1000,
          p99: result.p99 / 1000,
          rss: memoryOf(one),
        });
        tell(
          `round ${round + 1}/${options.rounds}  ${file.bytes} B  ${one.name}  ${cpuMicros.toFixed(1)} µs`,
        );
      }
    }
  }
  for (const one of contestants) {
    const logged = loggedBytes(one, samples);
    if (logged !== undefined && logged < SHORTEST_LINE) {
      skipped.push(`${one.name}: its log has ${logged.toFixed(0)} bytes a request, so it lost lines`);
    }
  }
  return samples;
}

/** Bytes of access log for each request; undefined without a log. Who drops lines has an advantage. */
function loggedBytes(
  { name, logFile }: Contestant,
  samples: readonly ThroughputSample[],
): number | undefined {
  if (logFile === undefined) return undefined;
  const own = samples.filter(({ proxy }) => proxy === name);
  return statSync(logFile).size / own.reduce((sum, { requests }) => sum + requests, 0);
}

/** A proxy that answers with errors is fast: such a figure must not get into a table. */
function check(name: string, size: number, { requests, bytes, errors }: WrkResult): void {
  if (requests === 0 || errors > 0 || bytes < requests * size) {
    throw new Error(
      `${name}: ${errors} errors, ${requests} requests of ${size} bytes, ${bytes} bytes received`,
    );
  }
}

async function wrk(
  processes: Processes,
  run: { script: string; dir: string; port: number; file: { path: string }; seconds: number },
): Promise<WrkResult> {
  const argv = ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${run.seconds}s`, '-s', run.script];
  const url = `http://127.0.0.1:${run.port}${run.file.path}`;
  const text = await processes.run([...argv, '-H', `Host: ${FILES_HOST}`, url], {
    cwd: run.dir,
    cores: LOAD_CORE,
  });
  const json = /^RESULT (.*)$/m.exec(text)?.[1];
  if (json === undefined) throw new Error(`wrk printed no result: ${text}`);
  return JSON.parse(json);
}
