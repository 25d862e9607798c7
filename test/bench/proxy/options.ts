/** What `npm run bench:proxy -- ...` takes. */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../../src/base/package-root.js';

export const SECTIONS = ['throughput', 'transfer', 'slow-readers', 'idle', 'latency'] as const;
export type Section = (typeof SECTIONS)[number];

export const HELP = `npm run bench:proxy -- [options]
  --quick              everything in about a minute, to see that it works; the figures mean little
  --only A,B           sections: ${SECTIONS.join(' ')}
  --proxies A,B        of nginx haproxy caddy tenement, and each with +log; default all (quick: six). Ratios need nginx
  --rounds N           default 5
  --seconds N          of each measurement of throughput; default 3
  --rate N             requests a second for latency; default 2000
  --idle N             idle connections; default 10000
  --build DIR          the build of tenement to run; default that of this program
  --out FILE           results as JSON
  --from FILE          measure nothing, show these results
  --docs[=DIR]         write performance.md and performance.svg; default into docs/
  --machine TEXT       how the docs call this machine
  thread-or-process [ROUNDS] [SECONDS], before any option: the data path as a thread and as a process, and nothing else
  --keep               keep the directory with configurations and logs
`;

export interface Options {
  readonly help: boolean;
  readonly quick: boolean;
  readonly sections: ReadonlySet<Section>;
  /** Undefined: all. */
  readonly proxies: ReadonlySet<string> | undefined;
  readonly rounds: number;
  readonly seconds: number;
  readonly rate: number;
  readonly idleConnections: number;
  readonly slowReaders: number;
  /** Bytes of a large transfer. */
  readonly largeBytes: number;
  readonly latencySeconds: number;
  /** Each has a quiet and a busy window for each proxy. */
  readonly latencyRounds: number;
  readonly build: string;
  readonly out: string | undefined;
  readonly from: string | undefined;
  readonly docs: string | undefined;
  readonly machine: string;
  readonly keep: boolean;
}

export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    // node:util has no option whose value may be left out.
    args: argv.map((arg) => (arg === '--docs' ? `--docs=${join(packageRoot, 'docs')}` : arg)),
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      proxies: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      idle: { type: 'string' },
      build: { type: 'string' },
      out: { type: 'string' },
      from: { type: 'string' },
      docs: { type: 'string' },
      machine: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  const { quick } = values;
  const rounds = count(values.rounds, quick ? 2 : 5);
  const proxies =
    values.proxies ?? (quick ? 'nginx,haproxy,caddy,tenement,nginx+log,tenement+log' : undefined);
  return {
    help: values.help,
    quick,
    sections: new Set(values.only === undefined ? SECTIONS : values.only.split(',').map(section)),
    proxies: proxies === undefined ? undefined : new Set(proxies.split(',')),
    rounds,
    seconds: count(values.seconds, quick ? 1 : 3),
    rate: count(values.rate, quick ? 1000 : 2000),
    idleConnections: count(values.idle, quick ? 1000 : 10_000),
    slowReaders: quick ? 20 : 50,
    largeBytes: (quick ? 50 : 200) * 1e6,
    latencySeconds: quick ? 2 : 8,
    latencyRounds: quick ? 1 : Math.min(3, rounds),
    build: resolve(values.build ?? join(import.meta.dirname, '..', '..', '..')),
    out: values.out,
    from: values.from,
    docs: values.docs,
    machine: values.machine ?? `${availableParallelism()} shared vCPU`,
    keep: values.keep,
  };
}

function section(name: string): Section {
  const found = SECTIONS.find((known) => known === name);
  if (found === undefined) throw new Error(`no section "${name}"; there are: ${SECTIONS.join(' ')}`);
  return found;
}

function count(text: string | undefined, normal: number): number {
  if (text === undefined) return normal;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`expected a whole number above 0, not "${text}"`);
  return Number(text);
}
