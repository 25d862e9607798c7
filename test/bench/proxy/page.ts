/** docs/performance.md from results. Pure. */
import { markdownTable } from '../lib/text-table.js';
import type { BenchResults } from './results.js';
import { tables } from './tables.js';

export function page(results: BenchResults): string {
  const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`);
  const sections = tables(results).map(
    ({ title, note, rows }) => `## ${title}\n\n${note}\n\n${markdownTable(rows)}`,
  );
  const missing =
    results.skipped.length === 0
      ? ''
      : `## Not measured\n\n${results.skipped.map((reason) => `- ${reason}`).join('\n')}\n`;
  return `# Performance of the proxy

<!-- Written by \`npm run bench:proxy -- --docs\`: change test/bench/proxy/page.ts instead. -->

Measured on ${results.date.slice(0, 10)} on a machine with ${results.machine} (${versions.join(', ')}).${results.quick ? ' **A quick run: the figures mean little.**' : ''}

![What one request costs each proxy](performance.svg)

How: every proxy routes by Host, adds \`X-Forwarded-For\` and keeps its connections to the upstream; for the rest it has its
defaults and one worker, which is pinned to one processor. Load tool and upstream (an nginx with static files) share another. All
of them run at the same time and are measured in turn, in ${roundsOf(results)} rounds. On a shared machine single figures move by a third
between runs, so what counts is the ratio to nginx of the same round: its median, lowest and highest are given. "+log" is with an
access log to a file. tenement is the whole \`ten serve\`: supervisor, log reader and counters included, but not the apps.

\`npm run bench:proxy\` repeats it on your machine (Linux; it installs the other proxies from Debian's packages when it may);
\`--quick\` takes a minute, \`--help\` lists the rest.

${sections.join('\n')}${missing === '' ? '' : `\n${missing}`}`;
}

function roundsOf({ throughput }: BenchResults): number {
  return new Set(throughput.map(({ round }) => round)).size;
}
