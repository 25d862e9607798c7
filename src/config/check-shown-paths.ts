/** Paths by which a service would show its instances what is the server's, or every other customer's. Pure. */
import { relative } from 'node:path';
import { pathPatterns, RESERVED } from './data-paths.js';
import type { Problem } from './problem.js';
import type { Config } from './schema.js';

/** A mistake that costs the whole isolation and shows nowhere: everything works, for everybody. */
export function checkShownPaths(config: Config): Problem[] {
  return Object.entries(config.service).flatMap(([name, service]) => {
    if (service.isolation === 'process') return [];
    const named = (['read_only_paths', 'read_write_paths'] as const).flatMap((key) =>
      (service[key] ?? []).map((path, i) => ({ at: [key, i], path })),
    );
    return [{ at: ['workdir'], path: service.workdir }, ...named].flatMap(({ at, path }) => {
      const message = problemOf(config, path);
      return message === undefined ? [] : [{ path: ['service', name, ...at], message }];
    });
  });
}

function problemOf(config: Config, path: string): string | undefined {
  if (path === config.path) return 'is the configuration, which no isolated instance sees';
  const secrets = Object.values(config.service).some(({ env_file }) => env_file === path);
  if (secrets) return 'is an `env_file`, which no isolated instance sees';
  const below = relative(config.settings.data_dir, path);
  if (below === '')
    return 'is `data_dir`, where the data of all instances are: name a directory in it that is for all';
  if (below === '..' || below.startsWith('../')) return undefined;
  const segments = below.split('/');
  if (RESERVED.includes(segments[0] ?? '')) return `{data_dir}/${segments[0]} is tenement's own`;
  const whose = Object.keys(config.service).find((name) =>
    pathPatterns(config, name).some((pattern) => holds(segments, pattern.segments)),
  );
  if (whose === undefined) return undefined;
  return `holds the data of all instances of "${whose}": an instance sees its own without being told`;
}

/** Whether the directories of instances, one for each {id}, are in it. */
function holds(path: readonly string[], pattern: readonly string[]): boolean {
  return path.length < pattern.length && path.every((segment, i) => segment === pattern[i]);
}
