import { readFileSync } from 'node:fs';
import { checkFiles } from '../config/check-files.js';
import { configInvalid } from '../config/load.js';
import { formatPath } from '../config/problem.js';
import type { Config } from '../config/schema.js';

/**
 * Whether the files that services name can be used; what only the server's own user can tell is returned, as warnings.
 * @throws TenementError config_invalid with every one that cannot, as loadConfig does
 */
export function checkFilesOf(config: Config): string[] {
  const found = checkFiles(config);
  const certain = found.filter(({ uncertain }) => !uncertain);
  if (certain.length > 0) throw configInvalid(config.path, readFileSync(config.path, 'utf8'), certain);
  return found.map(
    ({ path, message }) => `${formatPath(path)}: as this user it cannot be told whether it works: ${message}`,
  );
}
