/** tenement.toml for another directory: every path in it is made absolute, its comments stay. Pure. */
import { isAbsolute, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'smol-toml';
import { type Edit, editToml } from './toml-edit.js';

export interface Move {
  readonly source: string;
  /** The directory that its relative paths mean. */
  readonly base: string;
  /** Instead of the one it names; undefined keeps that. */
  readonly dataDir?: string | undefined;
  /** To be there beside those that it has. */
  readonly trustedProxies?: readonly string[];
  /** Not to be there any more. */
  readonly distrusted?: readonly string[];
  readonly listen?: readonly string[];
}

/** The source has been validated. */
export function moveConfig(move: Move): string {
  const { source, base, dataDir, trustedProxies = [], distrusted = [], listen } = move;
  const file = parse(source);
  const settings = table(file.settings);
  const edits: Edit[] = [];
  const absolute = (path: readonly string[], value: unknown) => {
    if (typeof value === 'string' && !isAbsolute(value)) edits.push({ path, value: resolve(base, value) });
    if (Array.isArray(value) && value.some((one) => typeof one === 'string' && !isAbsolute(one))) {
      edits.push({ path, value: value.map((one) => resolve(base, String(one))) });
    }
  };
  if (dataDir !== undefined) {
    if (settings.data_dir !== dataDir) edits.push({ path: ['settings', 'data_dir'], value: dataDir });
  } else absolute(['settings', 'data_dir'], settings.data_dir ?? 'tenement-data');
  absolute(['settings', 'tls', 'cache_dir'], table(settings.tls).cache_dir);
  const log = table(settings.proxy).access_log;
  if (log !== 'off' && log !== 'stdout') absolute(['settings', 'proxy', 'access_log'], log);
  const trusted = strings(settings.trusted_proxies);
  const wanted = [...new Set([...trusted.filter((one) => !distrusted.includes(one)), ...trustedProxies])];
  if (!isDeepStrictEqual(wanted, trusted))
    edits.push({ path: ['settings', 'trusted_proxies'], value: wanted });
  if (listen !== undefined && JSON.stringify(listen) !== JSON.stringify(settings.listen)) {
    edits.push({ path: ['settings', 'listen'], value: listen });
  }
  for (const [name, service] of Object.entries(table(file.service))) {
    const keys = table(service);
    absolute(['service', name, 'workdir'], keys.workdir ?? '.');
    for (const key of ['env_file', 'read_only_paths', 'read_write_paths']) {
      absolute(['service', name, key], keys[key]);
    }
  }
  return editToml(source, edits);
}

/** Whether it leaves the data where a server without `data_dir` puts it. */
export function hasDefaultData(source: string, base: string): boolean {
  const { data_dir } = table(parse(source).settings);
  return (
    data_dir === undefined ||
    (typeof data_dir === 'string' && resolve(base, data_dir) === resolve(base, 'tenement-data'))
  );
}

function table(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
