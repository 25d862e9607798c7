import { dataPathConflict, mayShare, namedPaths, pathPatterns, RESERVED } from './data-paths.js';
import type { Problem } from './problem.js';
import type { Config } from './schema.js';

/** Data paths that lie outside, on each other's, or on tenement's own. Pure. */
export function checkDataPaths(config: Config): Problem[] {
  const services = Object.keys(config.service);
  return [
    ...services.flatMap((name) => [...reservedName(name), ...checkNamedPaths(config, name)]),
    ...services.flatMap((name, i) =>
      services.slice(0, i).flatMap((other) => checkSharing(config, name, other)),
    ),
    ...checkListed(config),
  ];
}

function reservedName(name: string): Problem[] {
  if (!RESERVED.includes(name)) return [];
  return [
    {
      path: ['service', name],
      message: `its directory {data_dir}/${name} is tenement's own: choose another name`,
    },
  ];
}

function checkNamedPaths(config: Config, name: string): Problem[] {
  return namedPaths(config, name).flatMap(({ variable, segments }): Problem[] => {
    const path = ['service', name, 'env', variable];
    const end = segments.indexOf('{id}');
    const owned = end < 0 ? segments : segments.slice(0, end);
    if (segments.includes('..')) return [{ path, message: 'a path under {data_dir} must not contain ".."' }];
    if (RESERVED.includes(segments[0] ?? ''))
      return [{ path, message: `{data_dir}/${segments[0]} is tenement's own` }];
    if (owned.some((segment) => /\{(?:port|socket)\}/.test(segment))) {
      return [
        { path, message: 'the directory would be another one after each start: {port} and {socket} change' },
      ];
    }
    const partial = segments.find((segment) => segment !== '{id}' && segment.includes('{id}'));
    if (end < 0 && partial !== undefined && config.service[name]?.isolation !== 'process') {
      return [
        {
          path,
          message:
            'names no directory of the instance: with isolation {id} must be a whole segment of the path, as in {data_dir}/{id}/app.db',
        },
      ];
    }
    if (
      end < 0 &&
      partial !== undefined &&
      partial === segments.at(-1) &&
      config.service[name]?.user === 'auto'
    ) {
      return [
        {
          path,
          message:
            'the instance\'s own user may create no file there: with user = "auto" {id} must be a whole segment of the path, as in {data_dir}/{id}/app.db',
        },
      ];
    }
    return [];
  });
}

/** Two services whose instances of the same id own the same directory or file. */
function checkSharing(config: Config, name: string, other: string): Problem[] {
  const theirs = new Set(pathPatterns(config, other).map(({ segments }) => segments.join('/')));
  const shared = pathPatterns(config, name)
    .map(({ segments }) => segments.join('/'))
    .find((pattern) => theirs.has(pattern));
  if (shared === undefined) return [];
  const named = namedPaths(config, name).find(({ segments }) => segments.join('/').startsWith(shared));
  const path = named === undefined ? ['service', name] : ['service', name, 'env', named.variable];
  const what = `{data_dir}/${shared} is also owned by the instances of the service "${other}"`;
  if (!mayShare(config, name, other)) {
    return [
      { path, message: `${what}, and isolated instances can't share it: write {data_dir}/{name}/{id}` },
    ];
  }
  // A stop of the one that keeps nothing would delete what the other one keeps.
  if (config.service[name]?.storage_persist === config.service[other]?.storage_persist) return [];
  return [
    {
      path,
      message: `${what}, and one keeps its data while the other does not: give both the same storage_persist, or write {data_dir}/{name}/{id}`,
    },
  ];
}

/** Instances listed under [instances] that would overlap with others or with a service's directory. */
function checkListed(config: Config): Problem[] {
  const listed = new Set(
    Object.entries(config.instances).flatMap(([name, ids]) => ids.map((id) => `${name}:${id}`)),
  );
  return Object.entries(config.instances).flatMap(([service, ids]) =>
    ids.flatMap((id, i): Problem[] => {
      const conflict = dataPathConflict(config, { service, id }, (key) =>
        listed.has(`${key.service}:${key.id}`),
      );
      return conflict === undefined
        ? []
        : [{ path: ['instances', service, i], message: `"${id}" is not possible: ${conflict}` }];
    }),
  );
}
