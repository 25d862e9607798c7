import type { Config } from '../config/schema.js';
import type { Globals } from './globals.js';

/**
 * The whole, validated configuration that `ten serve` would use here.
 * @throws TenementError config_not_found, config_unsafe, config_invalid
 */
export async function loadConfigFor(globals: Globals): Promise<Config> {
  const [{ findConfig }, { loadConfig }] = await Promise.all([
    import('../config/find.js'),
    import('../config/load.js'),
  ]);
  const path = findConfig({ explicit: globals.config, env: process.env, cwd: process.cwd() });
  return loadConfig({ path, dataDir: globals.dataDir, env: process.env });
}
