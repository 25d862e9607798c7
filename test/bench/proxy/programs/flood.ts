/** An app that writes numbered lines to stdout at a steady rate for as long as it runs. */
import { writeSync } from 'node:fs';
import { createServer } from 'node:http';

export const FLOOD_LINE = /^flood line (\d+) /;

export function flood(linesPerSecond: number): void {
  const filler = 'the quick brown fox jumps over the lazy dog';
  const begun = performance.now();
  let written = 0;
  setInterval(() => {
    const due = Math.floor(((performance.now() - begun) / 1000) * linesPerSecond);
    let text = '';
    for (; written < due; written++) text += `flood line ${written} ${filler}\n`;
    if (text !== '') writeSync(1, text);
  }, 10);
  createServer((_req, res) => res.end()).listen(Number(process.env.PORT), '127.0.0.1');
}
