import { fstatSync } from 'node:fs';
import { type Logger, pino } from 'pino';

/** The server's own log. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'> & {
  child(bindings: Record<string, unknown>): Log;
};

/**
 * One JSON object a line on stderr; readable lines when that is a terminal; with a priority before each when it is the journal of
 * systemd (sd-daemon(3)), so that `journalctl -p warning` finds what it should. `LOG_LEVEL` chooses the level (default info).
 */
export function createLog(level = process.env.LOG_LEVEL ?? 'info'): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (process.stderr.isTTY) return pino(options, { write: (line) => process.stderr.write(readable(line)) });
  const destination = pino.destination({ fd: 2, sync: true });
  // Accident: the log's disk is full, and without this the first line that cannot be written ends the server.
  destination.on('error', () => {});
  if (!logsToJournal()) return pino(options, destination);
  return pino(options, { write: (line) => void destination.write(`<${priority(line)}>${line}`) });
}

/** For tests and for callers that want silence. */
export const silentLog: Log = pino({ level: 'silent' });

/** Whether our stderr is what the variable JOURNAL_STREAM (systemd.exec(5)) names, and not that of a parent of ours. */
export function logsToJournal(stream = process.env.JOURNAL_STREAM): boolean {
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(2);
  return stream === `${dev}:${ino}`;
}

/** Of syslog(3): 3 error, 4 warning, 6 information, 7 debugging. The level comes first in pino's lines. */
export function priority(line: string): number {
  const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 30);
  return level >= 50 ? 3 : level >= 40 ? 4 : level >= 30 ? 6 : 7;
}

const LEVELS: Record<number, string> = { 20: 'debug', 30: 'info ', 40: 'WARN ', 50: 'ERROR' };

function readable(line: string): string {
  const { level, time, msg, instance, err, hint, cause } = JSON.parse(line);
  const about = instance === undefined ? '' : ` ${instance}:`;
  const why = cause === undefined ? '' : ` (${cause})`;
  const more = [err?.stack, hint].filter((text) => text !== undefined).map((text) => `\n    ${text}`);
  return `${String(time).slice(11, 19)} ${LEVELS[level] ?? level}${about} ${msg}${why}${more.join('')}\n`;
}
