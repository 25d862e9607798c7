/** A bar chart of what one request costs each proxy. Pure: results to SVG. */
import type { BenchResults } from './results.js';
import { type ThroughputRow, throughputRows } from './summary.js';
import { sizeName } from './tables.js';

const WIDTH = 760;
const LEFT = 130;
const BAR = 20;
const GAP = 8;
const RIGHT = 150;

/** Text and lines take a grey that reads on white and on black: pages show the file on either. */
const STYLE = `
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #57606a; }
.title { font-size: 15px; font-weight: 600; }
.name { text-anchor: end; }
.own { font-weight: 600; }
.peer { fill: #8c959f; }
.bar-own { fill: #1a7f64; }
.whisker { stroke: #57606a; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9; } .peer { fill: #6e7681; } .bar-own { fill: #3fb68b; } .whisker { stroke: #c9d1d9; } }
`;

export function picture(results: BenchResults): string {
  const rows = throughputRows(results.throughput);
  let y = 0;
  const parts: string[] = [];
  for (const size of new Set(rows.map((row) => row.size))) {
    const chart = bars(
      `CPU time of the proxy for one request, ${sizeName(size)} (µs, less is better)`,
      rows.filter((row) => row.size === size),
      y,
    );
    parts.push(chart.svg);
    y = chart.bottom;
  }
  const caption = `${results.date.slice(0, 10)}, ${results.machine}; median of ${results.throughput.length === 0 ? 0 : (rows[0]?.cpuMicros.rounds ?? 0)} rounds, lines from lowest to highest`;
  parts.push(`<text x="0" y="${y + 24}">${escaped(caption)}</text>`);
  const height = y + 36;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 ${WIDTH + 20} ${height}" role="img" aria-label="What one request costs each proxy">
<style>${STYLE}</style>
${parts.join('\n')}
</svg>
`;
}

function bars(title: string, rows: readonly ThroughputRow[], top: number): { svg: string; bottom: number } {
  const longest = Math.max(...rows.map((row) => row.cpuMicros.max));
  const length = (micros: number) => ((WIDTH - LEFT - RIGHT) * micros) / longest;
  const parts = [`<text class="title" x="0" y="${top + 26}">${escaped(title)}</text>`];
  let y = top + 42;
  for (const { proxy, cpuMicros, toNginx } of rows) {
    const own = proxy.startsWith('tenement');
    const middle = y + BAR / 2;
    const at = (micros: number) => (LEFT + length(micros)).toFixed(1);
    const toPeer =
      toNginx === undefined || proxy.startsWith('nginx') ? '' : `  (${toNginx.median.toFixed(2)} x nginx)`;
    parts.push(
      `<text class="name${own ? ' own' : ''}" x="${LEFT - 8}" y="${middle + 4.5}">${escaped(proxy)}</text>`,
      `<rect class="${own ? 'bar-own' : 'peer'}" x="${LEFT}" y="${y}" width="${length(cpuMicros.median).toFixed(1)}" height="${BAR}" rx="2"/>`,
      `<line class="whisker" x1="${at(cpuMicros.min)}" x2="${at(cpuMicros.max)}" y1="${middle}" y2="${middle}"/>`,
      `<text${own ? ' class="own"' : ''} x="${(LEFT + length(cpuMicros.max) + 8).toFixed(1)}" y="${middle + 4.5}">${cpuMicros.median.toFixed(0)}${toPeer}</text>`,
    );
    y += BAR + GAP;
  }
  return { svg: parts.join('\n'), bottom: y + 6 };
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
