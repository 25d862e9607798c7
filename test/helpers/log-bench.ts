import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { silentLog } from '../../src/base/log.js';
import type { LogLimits } from '../../src/logs/limits.js';
import { createLogs } from '../../src/logs/logs.js';
import type { Logs } from '../../src/logs/types.js';
import { freshDir } from './fresh-dir.js';

export const alice = { service: 'notes', id: 'alice' };
export const bob = { service: 'notes', id: 'bob' };

/** Logs in a directory of their own, closed with the test. */
export function openLogs(t: ExecutionContext, limits: Partial<LogLimits> = {}, dir = logDir(t)): Logs {
  const logs = createLogs({ dir, log: silentLog, limits });
  t.teardown(() => logs.closeAll());
  return logs;
}

export function logDir(t: ExecutionContext): string {
  return join(freshDir(t), 'logs');
}

/** A real process whose stdout and stderr are the files, opened as a backend does it. `code` is JavaScript. */
export function startWriter(
  t: ExecutionContext,
  files: { stdout: string; stderr: string },
  code: string,
): ChildProcess {
  const fds = [openSync(files.stdout, 'a'), openSync(files.stderr, 'a')];
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', ...fds] });
  for (const fd of fds) closeSync(fd);
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

/** Runs a writer to its end. */
export async function write(
  t: ExecutionContext,
  files: { stdout: string; stderr: string },
  code: string,
): Promise<void> {
  const [status] = await once(startWriter(t, files, code), 'exit');
  t.is(status, 0);
}
