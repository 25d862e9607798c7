/** What is valid in a configuration, and yet hardly meant. Pure. */
import { effectWarnings } from './effects.js';
import type { Config } from './schema.js';
import { sharedUserWarnings } from './shared-user.js';

/** One line for each. `asRoot`: of what holds for a server that is root, too. */
export function configWarnings(config: Pick<Config, 'service'>, asRoot: boolean): string[] {
  return [...(asRoot ? sharedUserWarnings(config) : []), ...effectWarnings(config)];
}
