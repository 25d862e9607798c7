import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of tenement's own package.json, wherever the compiled files are. */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** tenement's version, from package.json. */
export const version: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version;

function findRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('tenement: its own package.json is missing');
  return findRoot(parent);
}
