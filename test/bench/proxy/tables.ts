/** The results as tables: a heading, a note on how to read them, and rows, the first of which names the columns. */
import type { Spread } from '../lib/statistics.js';
import type { BenchResults, MemorySample } from './results.js';
import { kbPerConnection, latencyRows, throughputRows, transferRows } from './summary.js';

export interface Table {
  readonly title: string;
  readonly note: string;
  readonly rows: readonly (readonly string[])[];
}

export function tables(results: BenchResults): Table[] {
  return [
    ...throughputTables(results),
    ...transferTables(results),
    ...memoryTables(results),
    ...latencyTables(results),
  ];
}

const THROUGHPUT_NOTE =
  '64 keep-alive connections. Processor time of the proxy for one request, all its threads and processes; "x nginx": ' +
  'requests per CPU second relative to nginx in the same round, with the same log setting. Core: the share of its ' +
  'processor that the proxy used; below 100 % the load or the upstream was the limit.';

function throughputTables({ throughput }: BenchResults): Table[] {
  const rows = throughputRows(throughput);
  return [...new Set(rows.map(({ size }) => size))].map((size, index) => ({
    title: `Responses of ${sizeName(size)}`,
    note: index > 0 ? 'As above.' : THROUGHPUT_NOTE,
    rows: [
      [
        'proxy',
        'CPU µs/request',
        'x nginx (min-max)',
        'x Caddy',
        'requests/s',
        'core',
        'p50 ms',
        'p99 ms',
        'RSS MB',
      ],
      ...rows
        .filter((row) => row.size === size)
        .map((row) => [
          row.proxy,
          row.cpuMicros.median.toFixed(1),
          ratio(row.toNginx),
          row.toCaddy?.median.toFixed(2) ?? '-',
          row.requestsPerSecond.toFixed(0),
          `${(100 * row.utilisation).toFixed(0)} %`,
          row.p50.toFixed(2),
          row.p99.toFixed(2),
          row.rss.toFixed(0),
        ]),
    ],
  }));
}

function transferTables(results: BenchResults): Table[] {
  const rows = transferRows(results);
  const bytes = results.transfers[0]?.bytes;
  if (bytes === undefined) return [];
  return [
    {
      title: `${bytes / 1e6} MB down and up`,
      note: 'One at a time. nginx stores an upload in a file before it passes it on, by default.',
      rows: [
        ['proxy', 'down MB/s', 'x nginx (min-max)', 'up MB/s', 'x nginx (min-max)'],
        ...rows.map((row) => [
          row.proxy,
          row.down.median.toFixed(0),
          ratio(row.downToNginx),
          row.up.median.toFixed(0),
          ratio(row.upToNginx),
        ]),
      ],
    },
  ];
}

function memoryTables({ slowReaders, idle }: BenchResults): Table[] {
  const table = (title: string, note: string, samples: readonly MemorySample[]): Table[] =>
    samples.length === 0
      ? []
      : [
          {
            title: `${samples[0]?.connections ?? 0} ${title}`,
            note,
            rows: [
              ['proxy', 'before MB', 'with them MB', 'growth MB', 'KB each', 'still open'],
              ...samples.map((sample) => [
                sample.proxy,
                sample.before.toFixed(0),
                sample.during.toFixed(0),
                (sample.during - sample.before).toFixed(0),
                kbPerConnection(sample).toFixed(1),
                String(sample.stillOpen),
              ]),
            ],
          },
        ];
  return [
    ...table(
      'slow readers',
      'Each takes 20 MB at about 300 KB/s. Resident memory, the highest seen; nginx also writes to temporary files.',
      slowReaders,
    ),
    ...table('idle keep-alive connections', 'Resident memory after one request on each.', idle),
  ];
}

function latencyTables({ latency, controlLoad, rate }: BenchResults): Table[] {
  if (latency.length === 0) return [];
  const rows = latencyRows(latency);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const starts = mean(controlLoad.map(({ startsPerSecond }) => startsPerSecond)).toFixed(1);
  const lines = mean(controlLoad.map(({ logLinesPerSecond }) => logLinesPerSecond)).toFixed(0);
  const failed = controlLoad.reduce((sum, { failedStarts }) => sum + failedStarts, 0);
  return [
    {
      title: `Latency at ${rate} requests a second`,
      note:
        'Open loop, measured from the time at which each request was due. Busy: tenement starts ' +
        `${starts} processes a second (and stops as many; ${failed} failed) and takes in ${lines} log lines a second. No ` +
        'process is pinned; upstream and client have real-time priority where the system allows it. "direct" is without a ' +
        'proxy; nginx stands beside the same load and has no part in it.',
      rows: [
        [
          'proxy',
          'quiet p50 ms',
          'quiet p99 ms',
          'busy p50 ms',
          'busy p99 ms',
          'p99 busy/quiet (min-max)',
          'errors',
          'client late p99 ms',
        ],
        ...rows.map((row) => [
          row.proxy,
          row.quietP50.toFixed(2),
          row.quietP99.toFixed(2),
          row.busyP50.toFixed(2),
          row.busyP99.toFixed(2),
          ratio(row.ratio),
          String(row.errors),
          row.clientLagP99.toFixed(2),
        ]),
      ],
    },
  ];
}

export function sizeName(bytes: number): string {
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

function ratio(spread: Spread | undefined): string {
  if (spread === undefined) return '-';
  return `${spread.median.toFixed(2)} (${spread.min.toFixed(2)}-${spread.max.toFixed(2)})`;
}
