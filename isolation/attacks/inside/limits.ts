import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Result } from './attempt.js';

/** Twice as many as it may have, and not one more. Each ends with its pipe. */
export async function forkBomb(limit: number): Promise<Result> {
  if (limit === 0) return { na: 'the number of processes cannot be limited here' };
  const children: ChildProcess[] = [];
  let refused = 0;
  for (let i = 0; i < 2 * limit && refused < 3; i += 1) {
    try {
      const child = spawn('/bin/cat', { stdio: ['pipe', 'ignore', 'ignore'] });
      child.on('error', () => undefined);
      child.stdin?.on('error', () => undefined);
      if (child.pid === undefined) refused += 1;
      else children.push(child);
    } catch {
      refused += 1;
    }
  }
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(
    children.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : 0)),
  );
  return children.length >= 2 * limit ? `${children.length} processes` : false;
}
