import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ExecutionContext } from 'ava';

/**
 * Whether every named program is on the PATH. When one is not, the test says that it is skipped and passes, unless
 * TENEMENT_REQUIRE (a comma-separated list, set by CI) names it: then the test fails.
 */
export function haveTools(t: ExecutionContext, ...tools: string[]): boolean {
  const missing = tools.filter((tool) => !onPath(tool));
  if (missing.length === 0) return true;
  const required = (process.env.TENEMENT_REQUIRE ?? '').split(',').map((name) => name.trim());
  const wanted = missing.filter((tool) => required.includes(tool));
  if (wanted.length > 0) {
    t.fail(`${wanted.join(', ')}: required by TENEMENT_REQUIRE and not installed`);
  } else {
    t.log(`skipped: ${missing.join(', ')} not installed`);
    t.pass();
  }
  return false;
}

function onPath(tool: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
