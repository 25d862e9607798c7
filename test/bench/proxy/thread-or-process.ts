/**
 * `node test/bench/proxy/main.js thread-or-process [ROUNDS] [SECONDS]`: the data path as a thread of the supervisor and as a process of
 * its own, in turn, quiet and while the supervisor starts processes.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { residentMb } from '../lib/proc-usage.js';
import { Processes } from '../lib/processes.js';
import { Reporter } from '../lib/reporter.js';
import { median } from '../lib/statistics.js';
import { textTable } from '../lib/text-table.js';
import { readOptions } from './options.js';
import type { OpenLoopReport } from './programs/open-loop.js';
import type { Place } from './programs/plane-host.js';
import { startUpstreams, upstreamIn } from './setting.js';
import { FILES_HOST, SMALL } from './sites.js';

const RATE = 2000;
const STARTS_PER_SECOND = 20;
/** Real-time, for all of them: what is left are the delays that they make for each other. Needs root. */
const PRIORITY = 1;
const PLACES: readonly Place[] = ['thread', 'process'];

interface Host {
  readonly reporter: Reporter;
  readonly port: number;
}

interface Sample {
  readonly place: Place;
  readonly quiet: OpenLoopReport;
  readonly busy: OpenLoopReport;
}

export async function threadOrProcess(rounds: number, seconds: number): Promise<void> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tenement-bench-')));
  const processes = new Processes();
  const programs = [process.execPath, process.argv[1] ?? ''];
  const setting = { processes, dir, options: readOptions([]), programs, skipped: [] };
  try {
    const { files } = await startUpstreams(
      setting,
      upstreamIn(setting, 'unpinned', `chrt -f ${PRIORITY}`),
      undefined,
    );
    const hosts = new Map<Place, Host>();
    for (const place of PLACES) {
      const argv = [...programs, 'plane-host', place, String(files), String(STARTS_PER_SECOND)];
      const reporter = new Reporter(processes, argv, { cwd: dir, realTime: PRIORITY });
      const { port } = await reporter.next<{ port: number }>();
      hosts.set(place, { reporter, port });
    }
    const load = async ({ port }: Host, time: number) => {
      const argv = [
        ...programs,
        'open-loop',
        String(port),
        FILES_HOST,
        SMALL.path,
        String(RATE),
        String(time),
      ];
      const client = new Reporter(processes, argv, { cwd: dir, realTime: PRIORITY });
      const result = await client.next<OpenLoopReport>();
      await client.end();
      return result;
    };
    for (const host of hosts.values()) await load(host, 2);
    const samples: Sample[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const place of round % 2 === 0 ? PLACES : [...PLACES].reverse()) {
        const host = hosts.get(place) as Host;
        const quiet = await load(host, seconds);
        host.reporter.send('busy\n');
        const busy = await load(host, seconds);
        host.reporter.send('quiet\n');
        samples.push({ place, quiet, busy });
      }
    }
    const memory = new Map([...hosts].map(([place, { reporter }]) => [place, residentMb(reporter.pid)]));
    process.stdout.write(textTable(rowsOf(samples, memory)));
  } finally {
    await processes.endAll();
    rmSync(dir, { recursive: true, force: true });
  }
}

function rowsOf(samples: readonly Sample[], memory: ReadonlyMap<Place, number>): string[][] {
  const rows = PLACES.map((place) => {
    const own = samples.filter((sample) => sample.place === place);
    const middle = (of: (sample: Sample) => number) => median(own.map(of)).toFixed(2);
    return [
      place,
      middle(({ quiet }) => quiet.p50),
      middle(({ quiet }) => quiet.p99),
      middle(({ busy }) => busy.p50),
      middle(({ busy }) => busy.p99),
      middle(({ quiet, busy }) => busy.p99 / quiet.p99),
      (memory.get(place) ?? 0).toFixed(0),
    ];
  });
  const head = [
    'data path',
    'quiet p50 ms',
    'quiet p99 ms',
    'busy p50 ms',
    'busy p99 ms',
    'busy/quiet',
    'RSS MB',
  ];
  return [head, ...rows];
}
