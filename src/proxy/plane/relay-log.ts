/** Log lines of the worker on their way to the server's own log. */
import { pino } from 'pino';
import type { Log } from '../../base/log.js';

/** A log whose lines go to `send`. */
export function relayedLog(level: string, send: (line: string) => void): Log {
  return pino({ level, base: null, timestamp: false }, { write: send });
}

const LEVELS = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' } as const;

/** Writes a line of `relayedLog` to `log`. */
export function relayLine(line: string, log: Log): void {
  const { level, msg, ...fields } = JSON.parse(line) as { level: number; msg?: string };
  log[LEVELS[level as keyof typeof LEVELS] ?? 'error'](fields, msg ?? '');
}
