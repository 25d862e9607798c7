import test from 'ava';
import { page } from '../../../bench/proxy/page.js';
import { picture } from '../../../bench/proxy/picture.js';
import type { BenchResults, LatencySample, ThroughputSample } from '../../../bench/proxy/results.js';
import { latencyRows, throughputRows, transferRows } from '../../../bench/proxy/summary.js';

const sample = (round: number, proxy: string, cpuMicros: number): ThroughputSample => ({
  round,
  proxy,
  size: 200,
  requests: 1000,
  seconds: 1,
  cpuMicros,
  p50: 1,
  p99: 2,
  rss: 10,
});

test('a proxy is compared with nginx of the same round and the same log setting', (t) => {
  const rows = throughputRows([
    sample(0, 'nginx', 20),
    sample(0, 'nginx+log', 30),
    sample(0, 'tenement', 40),
    sample(0, 'tenement+log', 40),
    sample(1, 'nginx', 80),
    sample(1, 'nginx+log', 120),
    sample(1, 'tenement', 80),
    sample(1, 'tenement+log', 80),
  ]);
  const toNginx = (name: string) => rows.find(({ proxy }) => proxy === name)?.toNginx;
  t.deepEqual(toNginx('tenement'), { min: 0.5, median: 0.75, max: 1, rounds: 2 });
  t.deepEqual(toNginx('tenement+log'), { min: 0.75, median: 1.125, max: 1.5, rounds: 2 });
  t.is(rows[0]?.toCaddy, undefined);
});

test('transfers compare speed, so more is better', (t) => {
  const transfer = (proxy: string, mbPerSecond: number) =>
    (['down', 'up'] as const).map((direction) => ({
      round: 0,
      proxy,
      direction,
      bytes: 1,
      mbPerSecond,
      cpuSeconds: 1,
    }));
  const rows = transferRows({ transfers: [...transfer('nginx', 500), ...transfer('tenement', 1000)] });
  t.is(rows[1]?.downToNginx?.median, 2);
});

test('latency under load is compared with the quiet window of its own round', (t) => {
  const one = (round: number, load: 'quiet' | 'busy', p99: number): LatencySample => ({
    round,
    proxy: 'tenement',
    load,
    requests: 1,
    errors: 1,
    p50: 1,
    p99,
    max: 9,
    clientLagP99: round,
  });
  const [row] = latencyRows([one(0, 'quiet', 2), one(0, 'busy', 3), one(1, 'quiet', 1), one(1, 'busy', 4)]);
  t.deepEqual(row?.ratio, { min: 1.5, median: 2.75, max: 4, rounds: 2 });
  t.is(row?.errors, 4);
  t.is(row?.clientLagP99, 1);
});

test('page and picture name date, machine, versions and what is missing', (t) => {
  const results: BenchResults = {
    format: 1,
    date: '2030-01-02T03:04:05.000Z',
    machine: '<2> shared vCPU',
    quick: false,
    versions: { nginx: '1.22.1' },
    rate: 2000,
    throughput: [sample(0, 'nginx', 20), sample(0, 'tenement', 25)],
    transfers: [],
    slowReaders: [],
    idle: [],
    latency: [],
    controlLoad: [],
    skipped: ['idle: no files'],
  };
  const markdown = page(results);
  for (const part of ['2030-01-02', 'nginx 1.22.1', '0.80 (0.80-0.80)', '- idle: no files']) {
    t.true(markdown.includes(part), part);
  }
  const svg = picture(results);
  t.true(svg.includes('0.80 x nginx'));
  t.false(svg.includes('<2>'));
});
