import { pino } from 'pino';
import type { Log } from '../../base/log.js';
import { type AccessEntry, combinedLine, jsonLine } from './access-line.js';
import type { AccessLogConfig } from './protocol.js';

/** Written when so much has come together, or after FLUSH_MS. */
const BUFFER_BYTES = 16 * 1024;
const FLUSH_MS = 1000;
/** Kept for a disk or a reader that does not follow; more is dropped. Stops: a full pipe that fills our memory. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Longest wait for the last lines to be written. */
const CLOSE_MS = 1000;

export interface AccessLog {
  write(entry: AccessEntry): void;
  /** After logrotate has moved the file away: goes on in a new one. */
  reopen(): void;
  /** Writes what is buffered. */
  close(): Promise<void>;
}

/** Opens the log in the background; what can't be written is dropped and told once a minute: traffic matters more than its log. */
export function openAccessLog(config: AccessLogConfig, log: Log): AccessLog {
  const format = config.format === 'json' ? jsonLine : combinedLine;
  const to = config.to;
  const stream = pino.destination({
    ...(to === 'stdout' ? { fd: 1 } : { dest: to.path, append: true, mkdir: false }),
    // Not for everyone: it says who visits whom.
    mode: 0o640,
    sync: false,
    minLength: BUFFER_BYTES,
    maxLength: MOST_BYTES,
    periodicFlush: FLUSH_MS,
  });
  let told = Number.NEGATIVE_INFINITY;
  const tell = (message: string, err?: unknown) => {
    const now = performance.now();
    if (now - told < 60_000) return;
    told = now;
    log.warn({ err }, message);
  };
  stream.on('error', (err: unknown) => tell('the access log cannot be written', err));
  stream.on('drop', () => tell('lines of the access log are dropped: its writing does not follow'));
  let closed = false;
  return {
    write: (entry) => {
      if (!closed) stream.write(format(entry));
    },
    reopen: () => {
      if (!closed && to !== 'stdout') stream.reopen();
    },
    close: () => {
      if (closed) return Promise.resolve();
      closed = true;
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          resolve();
        };
        // A file that could never be opened, or a pipe that nobody reads, must not keep the server from ending.
        const timer = setTimeout(done, CLOSE_MS);
        stream.once('close', done);
        stream.end();
      });
    },
  };
}
