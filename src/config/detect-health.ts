import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = /\.(?:py|m?js|cjs|ts|go|rb|rs)$/;
/** Quoted in the source, as routes are written: a mention in prose is none. */
const HEALTH = /["'`](\/(?:healthz?|up|ping|_health))["'`?]/;
/** Enough to find a route, not a reason to read generated bundles. */
const LARGEST = 1 << 20;

/** The health path that the source files in a directory (and its `src`) mention; undefined when none does. */
export function detectHealth(dir: string): string | undefined {
  for (const folder of [dir, join(dir, 'src')]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder).sort()) {
      const path = join(folder, name);
      if (!SOURCE.test(name) || !statSync(path).isFile() || statSync(path).size > LARGEST) continue;
      const found = HEALTH.exec(readFileSync(path, 'utf8'))?.[1];
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
