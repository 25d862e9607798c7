import { dirname, resolve } from 'node:path';
import { TenementError } from '../base/errors.js';
import type { Globals } from './globals.js';

/** The data directory that a command speaks of, and who named it. */
export interface DataDir {
  readonly path: string;
  /** `config`: the found tenement.toml. `default`: there is none; it is where `ten serve` would put it. */
  readonly from: 'flag' | 'environment' | 'config' | 'default';
}

/**
 * --data-dir, TENEMENT_DATA_DIR, else the found config's `data_dir`, else ./tenement-data.
 * The config is not validated here: while someone edits it, `ten ps` must still find the server that runs.
 * @throws TenementError config_not_found (named by --config only), config_unsafe
 */
export async function findDataDir(globals: Globals): Promise<DataDir> {
  if (globals.dataDir !== undefined) return { path: resolve(globals.dataDir), from: 'flag' };
  const named = process.env.TENEMENT_DATA_DIR;
  if (named !== undefined && named !== '') return { path: resolve(named), from: 'environment' };
  const file = await configFile(globals);
  if (file === undefined) return { path: resolve('tenement-data'), from: 'default' };
  return {
    path: resolve(dirname(file), (await dataDirIn(file)) ?? './tenement-data'),
    from: 'config',
  };
}

/** The config file; undefined when none was named and none is found. @throws TenementError config_not_found */
async function configFile(globals: Globals): Promise<string | undefined> {
  const { findConfig } = await import('../config/find.js');
  try {
    return findConfig({ explicit: globals.config, env: process.env, cwd: process.cwd() });
  } catch (error) {
    const named = globals.config !== undefined || (process.env.TENEMENT_CONFIG ?? '') !== '';
    if (!named && error instanceof TenementError && error.code === 'config_not_found') return undefined;
    throw error;
  }
}

async function dataDirIn(file: string): Promise<string | undefined> {
  const [{ readOwnedFile }, { parse }] = await Promise.all([
    import('../config/find.js'),
    import('smol-toml'),
  ]);
  // A file that others can write could send us to a socket of theirs.
  const text = readOwnedFile(file);
  try {
    const { settings } = parse(text);
    const value = isTable(settings) ? settings.data_dir : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    // Not valid yet: the line alone. With another directory the server that runs would not be found, nor tell what is wrong with the file.
    return /^\s*data_dir\s*=\s*(["'])([^"'\\]+)\1/m.exec(text)?.[2];
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
