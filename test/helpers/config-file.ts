import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { TenementError } from '../../src/base/errors.js';
import { loadConfig, type ReportedProblem } from '../../src/config/load.js';
import type { Config } from '../../src/config/schema.js';
import { freshDir } from './fresh-dir.js';

/** Writes a tenement.toml into a fresh directory, with whatever umask the tests run, and returns its path. */
export function configFile(t: ExecutionContext, text: string, dir = freshDir(t)): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'tenement.toml');
  writeFileSync(path, text);
  chmodSync(path, 0o644);
  return path;
}

/** The configuration that a text gives. */
export function configOf(t: ExecutionContext, text: string): Config {
  return loadConfig({ path: configFile(t, text) });
}

/** The error that a text gives. */
export function configError(t: ExecutionContext, text: string): TenementError {
  const error = t.throws(() => configOf(t, text), { instanceOf: TenementError });
  t.is(error.code, 'config_invalid', error.message);
  return error;
}

/** The problems that a text gives, as "line key: problem". */
export function problemsOf(t: ExecutionContext, text: string): string[] {
  const problems = configError(t, text).details.problems as ReportedProblem[];
  return problems.map(({ line, key, problem }) => `${line} ${key}: ${problem}`);
}
