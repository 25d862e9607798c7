import { type Logger, pino } from 'pino';

/** The server's own log. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'> & {
  child(bindings: Record<string, unknown>): Log;
};

/** One JSON object a line on stderr; readable lines when that is a terminal. `LOG_LEVEL` chooses the level (default info). */
export function createLog(level = process.env.LOG_LEVEL ?? 'info'): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (process.stderr.isTTY) return pino(options, { write: (line) => process.stderr.write(readable(line)) });
  const destination = pino.destination({ fd: 2, sync: true });
  // Accident: the log's disk is full, and without this the first line that cannot be written ends the server.
  destination.on('error', () => {});
  return pino(options, destination);
}

/** For tests and for callers that want silence. */
export const silentLog: Log = pino({ level: 'silent' });

const LEVELS: Record<number, string> = { 20: 'debug', 30: 'info ', 40: 'WARN ', 50: 'ERROR' };

function readable(line: string): string {
  const { level, time, msg, instance, err, hint, cause } = JSON.parse(line);
  const about = instance === undefined ? '' : ` ${instance}:`;
  const why = cause === undefined ? '' : ` (${cause})`;
  const more = [err?.stack, hint].filter((text) => text !== undefined).map((text) => `\n    ${text}`);
  return `${String(time).slice(11, 19)} ${LEVELS[level] ?? level}${about} ${msg}${why}${more.join('')}\n`;
}
