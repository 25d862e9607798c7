/** Text for people: tables, and lines that others wrote. Pure. */
import { stripVTControlCharacters } from 'node:util';
import { formatDuration, formatSize } from '../base/units.js';

/** Columns padded to the widest cell, two spaces apart; cells may carry colours. Header first; no trailing spaces. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))));
  return lines
    .map((line) =>
      header
        .map((_, column) => {
          const cell = line[column] ?? '';
          return cell + ' '.repeat((widths[column] ?? 0) - width(cell));
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function width(cell: string): number {
  return [...stripVTControlCharacters(cell)].length;
}

/** Seconds, or a dash. */
export function seconds(value: number | null): string {
  return value === null ? '-' : formatDuration(value);
}

/** Bytes, or a dash. */
export function bytes(value: number | null): string {
  return value === null ? '-' : formatSize(value);
}

/**
 * Makes a line that a tenant's app wrote safe for a terminal: an app must not be able to retitle the operator's window, move
 * the cursor over other lines or type into the terminal's answerback. Colours (SGR) pass when `colors` is set.
 */
export function safeForTerminal(line: string, colors: boolean): string {
  const reset = colors && line.includes('\x1b[') ? '\x1b[0m' : '';
  const safe = line.replace(/\x1b\[[0-9;:]*m|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, (match) => {
    if (match.length > 1) return colors ? match : '';
    return `\\x${match.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return safe + reset;
}
