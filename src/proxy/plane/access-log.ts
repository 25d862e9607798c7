import type { Log } from '../../base/log.js';
import { type AccessEntry, combinedLine, jsonLine } from './access-line.js';
import { LineFile } from './line-file.js';
import type { AccessLogConfig } from './protocol.js';

/** A problem is told this often: with each request it would fill the server's own log. */
const TELL_MS = 60_000;

export interface AccessLog {
  write(entry: AccessEntry): void;
  /** After logrotate has moved the file away: goes on in a new one. */
  reopen(): void;
  /** Writes what is buffered. */
  close(): Promise<void>;
}

/** The file is opened with its first lines. What can't be written is dropped and told: traffic matters more than its log. */
export function openAccessLog({ to, format }: AccessLogConfig, log: Log): AccessLog {
  const line = format === 'json' ? jsonLine : combinedLine;
  let told = Number.NEGATIVE_INFINITY;
  const file = new LineFile(to === 'stdout' ? 1 : to.path, (problem, err) => {
    const now = performance.now();
    if (now - told < TELL_MS) return;
    told = now;
    log.warn({ err }, `the access log: ${problem}`);
  });
  return {
    write: (entry) => file.write(line(entry)),
    reopen: () => file.reopen(),
    close: () => file.close(),
  };
}
