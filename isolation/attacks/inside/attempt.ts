/** What all attempts share. This directory is copied and run as it is, as a tenant: it imports nothing from elsewhere. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** `false`: stopped. A text: what it reached. `na`: it could not be tried, because of that. */
export type Result = string | false | { readonly na: string };

/** What to attack. Its own environment has it as JSON in TARGETS. */
export interface Targets {
  readonly siblingFiles: readonly string[];
  readonly siblingDirectories: readonly string[];
  readonly dataRoots: readonly string[];
  readonly secrets: readonly string[];
  /** Pids and parts of command lines that are not its own. */
  readonly serverMark: string;
  readonly siblingMark: string;
  /** Backwards, or it would be found in our own environment. */
  readonly siblingSecret: string;
  readonly ownPath: string;
  readonly siblingPids: readonly number[];
  readonly siblingPort: number;
  /** How long an answer over the network is waited for, in ms. */
  readonly waitMs: number;
  readonly managementPort: number;
  readonly abstractName: string;
  readonly managementSocket: string;
  readonly tmpMarker: string;
  readonly shmMarker: string;
  readonly readOnly: readonly string[];
  /** In the command line of the process that shall outlive it. */
  readonly outliveMark: string;
  /** Processes and threads it may have; 0 when that is not limited, and nothing of the kind is tried then. */
  readonly pidsLimit: number;
}

export function attempt(action: () => Result | true | undefined): Result {
  try {
    const result = action();
    return result === true ? 'it worked' : (result ?? false);
  } catch {
    return false;
  }
}

/** The first that worked. */
export function first<T>(list: readonly T[], test: (item: T) => Result): Result {
  for (const item of list) {
    const result = test(item);
    if (typeof result === 'string') return result;
  }
  return false;
}

export function run(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 5000 });
}

export function readable(path: string): Result {
  return attempt(() => (readFileSync(path).length > 0 ? path : false));
}

export function writable(path: string): Result {
  return attempt(() => {
    writeFileSync(path, 'x', { flag: 'a' });
    return path;
  });
}
