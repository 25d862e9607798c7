import { readdirSync, readlinkSync } from 'node:fs';
import { sep } from 'node:path';

/**
 * Pids of living processes whose working directory is `directory` or below it: what a test that ran an app from there has
 * left behind. Empty where there is no /proc.
 */
export function processesUnder(directory: string): number[] {
  const found: number[] = [];
  for (const entry of procEntries()) {
    try {
      const cwd = readlinkSync(`/proc/${entry}/cwd`);
      if (cwd === directory || cwd.startsWith(directory + sep)) found.push(Number(entry));
    } catch {
      // It ended meanwhile, is a zombie, or belongs to someone else.
    }
  }
  return found.filter((pid) => pid !== process.pid);
}

function procEntries(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
