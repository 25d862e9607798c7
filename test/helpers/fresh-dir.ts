import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** An empty directory that goes with its test, also when that fails. */
export function freshDir(t: ExecutionContext): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tenement-test-')));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
