/** The configuration of an installation: found, checked, and rewritten for its new place. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'smol-toml';
import { TenementError } from '../base/errors.js';
import { findConfig, findHere, readOwnedFile } from '../config/find.js';
import { loadConfig } from '../config/load.js';
import { withAbsolutePaths } from '../config/paths.js';
import type { Config } from '../config/schema.js';
import { validate } from '../config/validate.js';
import type { Layout } from './layout.js';
import { hasDefaultData, moveConfig } from './move-config.js';

/** The file itself: its place may be a link to where people keep theirs. */
export function configFile({ config }: Pick<Layout, 'config'>): string {
  return existsSync(config) ? realpathSync(config) : config;
}

export interface ConfigRequest {
  /** From --config. */
  readonly explicit: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Its place in an installation. */
  readonly to: string;
  /** What the one that is there was made of. */
  readonly origin: { readonly from?: string | undefined; readonly backup?: string | undefined } | undefined;
  /** For data whose place the file leaves open. */
  readonly dataDir: string;
  /** From --data-dir. */
  readonly dataDirFlag: string | undefined;
  readonly trustedProxies: readonly string[];
  /** Not to be believed any more. */
  readonly distrusted: readonly string[];
  /** Gets what the file says; undefined keeps that. */
  readonly listen: (now: readonly string[] | undefined) => readonly string[] | undefined;
}

export interface MovedConfig {
  readonly config: Config;
  readonly text: string;
  readonly from: string;
  readonly mode: number;
  readonly notes: readonly string[];
}

/**
 * Changes nothing.
 * @throws TenementError as loadConfig does; `conflict` when there are two files
 */
export function configFor(request: ConfigRequest): MovedConfig {
  const { to, env, cwd } = request;
  const inPlace = existsSync(to);
  const named = namedAgain(request) ? undefined : (request.explicit ?? (env.TENEMENT_CONFIG || undefined));
  const from = inPlace && named === undefined ? to : findConfig({ explicit: request.explicit, env, cwd });
  if (inPlace && resolve(from) !== to) {
    throw new TenementError('conflict', `${to} is there already, so ${from} cannot become it`, {
      hint: `Edit ${to}, or move it away. Nothing was changed.`,
    });
  }
  // By sudo: whoever may become root by it may also say what root runs.
  const self = process.geteuid?.() === 0 ? Number(env.SUDO_UID ?? 0) : undefined;
  const before = loadConfig({ path: from, self });
  const source = readOwnedFile(from, self).replace(/^\uFEFF/, '');
  const base = dirname(from);
  const data = chooseData(source, base, request);
  const listen = request.listen(before.settings.listen);
  const text = moveConfig({
    source,
    base,
    dataDir: data.path,
    trustedProxies: request.trustedProxies,
    distrusted: request.distrusted,
    ...(listen && { listen }),
  });
  const config = readBack(text, to);
  verify(before, config, base);
  const notes = [...data.notes, ...(inPlace ? otherFile(to, cwd) : [])];
  return { config, text, from, mode: statSync(from).mode & 0o755, notes };
}

/** Else people edit the file before their eyes, and wonder that nothing changes. */
function otherFile(to: string, cwd: string): string[] {
  const other = findHere(cwd);
  if (other === undefined || realpathSync(other) === realpathSync(to)) return [];
  return [`${to} is the configuration of the service; ${other} is not, and is not read.`];
}

/** The same command once more: the file that it names was moved away by the first, or would have been by one that was killed. */
function namedAgain({ explicit, env, cwd, origin }: ConfigRequest): boolean {
  const named = explicit ?? (env.TENEMENT_CONFIG || undefined);
  const { from, backup } = origin ?? {};
  if (named === undefined || from === undefined) return false;
  const isIt = [resolve(cwd, named), join(resolve(cwd, named), 'tenement.toml')].includes(from);
  return isIt && (!existsSync(from) || (backup !== undefined && !existsSync(backup)));
}

/** Undefined keeps what the file says. */
function chooseData(
  source: string,
  base: string,
  { dataDir, dataDirFlag, cwd }: ConfigRequest,
): { path: string | undefined; notes: string[] } {
  if (dataDirFlag !== undefined) return { path: resolve(cwd, dataDirFlag), notes: [] };
  if (!hasDefaultData(source, base)) return { path: undefined, notes: [] };
  const old = join(base, 'tenement-data');
  const there = statSync(old, { throwIfNoEntry: false });
  if (there === undefined) return { path: dataDir, notes: [] };
  if (there.uid === 0) return { path: undefined, notes: [`Data stays in ${old}.`] };
  // The server would refuse it: its owner could exchange what root keeps there.
  return {
    path: dataDir,
    notes: [
      `Data of the server that you ran as user ${there.uid} stays in ${old}; the service begins anew in ${dataDir}. To take it along, before the first start: cp -a ${old}/. ${dataDir}/ && chown -R root: ${dataDir}`,
    ],
  };
}

function readBack(text: string, to: string): Config {
  const { value, problems } = validate(parse(text));
  if (value === undefined || problems.length > 0)
    throw new TenementError('internal', 'the configuration was damaged while its paths were made absolute');
  return withAbsolutePaths(value, to, undefined);
}

/** A mistake here would start apps in the wrong place: everything but what was meant to change has to be the same. */
function verify(before: Config, after: Config, base: string): void {
  const rest = ({ settings, service, instances, routing }: Config) => {
    const { data_dir: _d, listen: _l, trusted_proxies: _t, proxy, ...others } = settings;
    const log = proxy?.access_log ?? 'off';
    const access_log = log === 'off' || log === 'stdout' ? log : resolve(base, log);
    return { settings: { ...others, proxy: proxy && { ...proxy, access_log } }, service, instances, routing };
  };
  if (!isDeepStrictEqual(rest(before), rest(after)))
    throw new TenementError(
      'internal',
      'the configuration changed its meaning while its paths were made absolute',
    );
}
