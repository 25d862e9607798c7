import { dirname, resolve } from 'node:path';
import type { Config, FileConfig } from './schema.js';

/** Makes every path absolute, relative to the directory of the file. `dataDir` is already absolute when given. */
export function withAbsolutePaths(file: FileConfig, path: string, dataDir: string | undefined): Config {
  const base = dirname(path);
  const { tls } = file.settings;
  const service = Object.entries(file.service).map(([name, one]) => [
    name,
    {
      ...one,
      workdir: resolve(base, one.workdir),
      ...(one.env_file !== undefined && { env_file: resolve(base, one.env_file) }),
      ...(one.read_only_paths && { read_only_paths: one.read_only_paths.map((p) => resolve(base, p)) }),
      ...(one.read_write_paths && { read_write_paths: one.read_write_paths.map((p) => resolve(base, p)) }),
    },
  ]);
  return {
    ...file,
    path,
    settings: {
      ...file.settings,
      data_dir: dataDir ?? resolve(base, file.settings.data_dir),
      ...(tls?.cache_dir !== undefined && { tls: { ...tls, cache_dir: resolve(base, tls.cache_dir) } }),
    },
    service: plainTable(Object.fromEntries(service)),
    instances: plainTable(file.instances),
    routing: {
      ...file.routing,
      subdomain: plainTable(file.routing.subdomain),
      path: plainTable(file.routing.path),
    },
  };
}

/** Without a prototype: these tables are asked for names out of requests, and `constructor` is a possible host name. */
function plainTable<T>(table: Record<string, T>): Record<string, T> {
  return Object.assign(Object.create(null), table);
}
