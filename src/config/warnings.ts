/** What is valid in a configuration, and yet hardly meant. Pure. */
import { effectWarnings } from './effects.js';
import type { Config } from './schema.js';
import { sharedUserWarnings } from './shared-user.js';

/** One line for each. `asRoot`: of what holds for a server that is root, too. */
export function configWarnings(config: Pick<Config, 'service'>, asRoot: boolean): string[] {
  return [...noService(config), ...(asRoot ? sharedUserWarnings(config) : []), ...effectWarnings(config)];
}

const noService = ({ service }: Pick<Config, 'service'>): string[] =>
  Object.keys(service).length > 0
    ? []
    : [
        'there is no service: add a table [service.NAME] with a `command` (in an empty directory `ten init` writes one)',
      ];
