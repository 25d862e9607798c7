/** From single measurements to the rows that people read. Pure. */
import { median, pairedRatios, type Spread, spread } from '../lib/statistics.js';
import type { BenchResults, LatencySample, MemorySample, ThroughputSample } from './results.js';

export interface ThroughputRow {
  readonly proxy: string;
  readonly size: number;
  readonly cpuMicros: Spread;
  readonly requestsPerSecond: number;
  /** Share of the processor that the proxy used. Below 1, load or upstream were the limit. */
  readonly utilisation: number;
  readonly p50: number;
  readonly p99: number;
  readonly rss: number;
  /** Requests per CPU second relative to nginx with the same log setting in the same round; undefined without nginx. */
  readonly toNginx: Spread | undefined;
  /** The same relative to Caddy. */
  readonly toCaddy: Spread | undefined;
}

export function throughputRows(samples: readonly ThroughputSample[]): ThroughputRow[] {
  const rows: ThroughputRow[] = [];
  for (const size of distinct(samples.map((sample) => sample.size))) {
    for (const proxy of distinct(samples.map((sample) => sample.proxy))) {
      const own = samples.filter((sample) => sample.size === size && sample.proxy === proxy);
      if (own.length === 0) continue;
      const cost = costs(samples, size, proxy);
      const log = proxy.endsWith('+log') ? '+log' : '';
      const to = (peer: string) => {
        const ratios = pairedRatios(costs(samples, size, peer + log), cost);
        return ratios.length === 0 ? undefined : spread(ratios);
      };
      const middle = (value: (sample: ThroughputSample) => number) => median(own.map(value));
      rows.push({
        proxy,
        size,
        cpuMicros: spread(own.map((sample) => sample.cpuMicros)),
        requestsPerSecond: middle(({ requests, seconds }) => requests / seconds),
        utilisation: middle(({ requests, seconds, cpuMicros }) => (requests * cpuMicros) / 1e6 / seconds),
        p50: middle((sample) => sample.p50),
        p99: middle((sample) => sample.p99),
        rss: middle((sample) => sample.rss),
        toNginx: to('nginx'),
        toCaddy: to('caddy'),
      });
    }
  }
  return rows;
}

export interface TransferRow {
  readonly proxy: string;
  /** MB/s. */
  readonly down: Spread;
  readonly up: Spread;
  readonly downToNginx: Spread | undefined;
  readonly upToNginx: Spread | undefined;
}

export function transferRows({ transfers }: Pick<BenchResults, 'transfers'>): TransferRow[] {
  const speeds = (proxy: string, direction: string) =>
    new Map(
      transfers
        .filter((sample) => sample.proxy === proxy && sample.direction === direction)
        .map((sample) => [sample.round, sample.mbPerSecond]),
    );
  return distinct(transfers.map((sample) => sample.proxy)).map((proxy) => {
    const of = (direction: string) => spread([...speeds(proxy, direction).values()]);
    const to = (direction: string) => {
      const ratios = pairedRatios(speeds(proxy, direction), speeds('nginx', direction));
      return ratios.length === 0 ? undefined : spread(ratios);
    };
    return { proxy, down: of('down'), up: of('up'), downToNginx: to('down'), upToNginx: to('up') };
  });
}

export interface LatencyRow {
  readonly proxy: string;
  readonly quietP50: number;
  readonly quietP99: number;
  readonly busyP50: number;
  readonly busyP99: number;
  /** p99 busy over p99 quiet of the same round. */
  readonly ratio: Spread;
  readonly errors: number;
  readonly clientLagP99: number;
}

export function latencyRows(samples: readonly LatencySample[]): LatencyRow[] {
  return distinct(samples.map((sample) => sample.proxy)).map((proxy) => {
    const own = samples.filter((sample) => sample.proxy === proxy);
    const of = (load: string) => own.filter((sample) => sample.load === load);
    const p99 = (load: string) => new Map(of(load).map((sample) => [sample.round, sample.p99]));
    return {
      proxy,
      quietP50: median(of('quiet').map((sample) => sample.p50)),
      quietP99: median(of('quiet').map((sample) => sample.p99)),
      busyP50: median(of('busy').map((sample) => sample.p50)),
      busyP99: median(of('busy').map((sample) => sample.p99)),
      ratio: spread(pairedRatios(p99('busy'), p99('quiet'))),
      errors: own.reduce((sum, { errors }) => sum + errors, 0),
      clientLagP99: Math.max(...own.map((sample) => sample.clientLagP99)),
    };
  });
}

/** KB that one idle connection costs the proxy. */
export function kbPerConnection({ before, during, connections }: MemorySample): number {
  return ((during - before) * 1000) / connections;
}

function costs(samples: readonly ThroughputSample[], size: number, proxy: string): Map<number, number> {
  return new Map(
    samples
      .filter((sample) => sample.size === size && sample.proxy === proxy)
      .map((sample) => [sample.round, sample.cpuMicros]),
  );
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
