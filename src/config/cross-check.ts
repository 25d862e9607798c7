import type { Problem } from './problem.js';
import type { Config } from './schema.js';

/** What the schema alone can't see. Returns every problem. */
export function crossCheck(config: Config): Problem[] {
  const problems: Problem[] = [];
  for (const service of Object.keys(config.instances)) {
    if (!Object.hasOwn(config.service, service))
      problems.push({ path: ['instances', service], message: 'there is no such service' });
  }
  return problems;
}
