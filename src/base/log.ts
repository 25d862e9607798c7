import { pino } from 'pino';

/** The server's own log: one JSON object a line on stderr. `LOG_LEVEL` chooses the level (default info). */
export type Log = Pick<import('pino').Logger, 'debug' | 'info' | 'warn' | 'error'> & {
  child(bindings: Record<string, unknown>): Log;
};

export function createLog(level = process.env.LOG_LEVEL ?? 'info'): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** For tests and for callers that want silence. */
export const silentLog: Log = pino({ level: 'silent' });
