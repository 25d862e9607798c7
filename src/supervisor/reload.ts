/** What a changed config means for what runs. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { formatKey, type InstanceKey } from '../base/names.js';
import { formatPath } from '../config/problem.js';
import type { Config, ServiceConfig } from '../config/schema.js';
import { PROXY_DEFAULTS, TLS_DEFAULTS } from '../config/settings.js';

export interface ConfigChange {
  /** Services whose process must be started anew to have the change. */
  readonly changed: string[];
  readonly added: string[];
  readonly removed: string[];
  /** Every key that differs, as in the file and in its order there: `service.notes.idle_timeout`; of services that are in both. */
  readonly keys: string[];
  /** Instances that [instances] lists now and did not list before. */
  readonly listed: InstanceKey[];
  readonly unlisted: InstanceKey[];
}

/** Which keys reach the process itself; all others take effect while it runs. Every key, so that a new one cannot be forgotten here. */
const IS_OF_THE_PROCESS: Readonly<Record<keyof ServiceConfig, boolean>> = {
  command: true,
  args: true,
  workdir: true,
  env: true,
  env_file: true,
  pass_env: true,
  user: true,
  listen: true,
  restart: false,
  health: false,
  health_timeout: false,
  idle_timeout: false,
  idle_action: false,
  freeze_timeout: false,
  startup_timeout: false,
  request_timeout: false,
  stop_timeout: false,
  drain_timeout: false,
  on_demand: false,
  max_instances: false,
  balance: false,
  storage_persist: false,
  storage_quota_mb: false,
  max_body: false,
  memory_limit_mb: true,
  cpu_shares: true,
  cpu_limit: true,
  pids_limit: true,
  isolation: true,
  sandbox: true,
  network: true,
  allow_local: true,
  read_only_paths: true,
  read_write_paths: true,
  systemd: true,
};

/** In the order of the schema. */
export const PROCESS_KEYS = (Object.keys(IS_OF_THE_PROCESS) as (keyof ServiceConfig)[]).filter(
  (key) => IS_OF_THE_PROCESS[key],
);

export function compare(before: Config, after: Config): ConfigChange {
  const names = (config: Config) => Object.keys(config.service).sort();
  const both = names(after).flatMap((name) => {
    const [old, now] = [before.service[name], after.service[name]];
    return old === undefined || now === undefined ? [] : [{ name, keys: differing(old, now) }];
  });
  return {
    changed: both.flatMap(({ name, keys }) => (keys.some((key) => IS_OF_THE_PROCESS[key]) ? [name] : [])),
    added: names(after).filter((name) => before.service[name] === undefined),
    removed: names(before).filter((name) => after.service[name] === undefined),
    keys: [
      ...settingsKeys(before, after),
      ...both.flatMap(({ name, keys }) => keys.map((key) => formatPath(['service', name, key]))),
      ...differing(before.routing, after.routing).map((key) => formatPath(['routing', key])),
    ],
    listed: listedOnlyIn(after, before),
    unlisted: listedOnlyIn(before, after),
  };
}

/** As API, log and audit trail tell it: instances by their names. */
export function inNames({ listed, unlisted, ...rest }: ConfigChange) {
  return { ...rest, listed: listed.map(formatKey), unlisted: unlisted.map(formatKey) };
}

/** How much of each: `changed 1, added 0, ...`. */
export const summaryOf = (change: ConfigChange): string =>
  Object.entries(change)
    .map(([what, list]) => `${what} ${list.length}`)
    .join(', ');

/** `[settings]` keys that are only read when the server starts. */
export function needsRestart(before: Config, after: Config): string[] {
  return settingsKeys(before, after)
    .map((key) => key.replace(/^settings\./, ''))
    .filter((key) => AT_START.has(key));
}

const AT_START: ReadonlySet<string> = new Set([
  'data_dir',
  'listen',
  'port_range',
  'uid_range',
  'proxy.head_timeout',
  'proxy.max_head',
  'proxy.keep_alive_timeout',
  'proxy.fast_reads',
  'proxy.proxy_protocol',
]);

/** A table that is left out says the same as one with nothing but defaults. */
function settingsKeys(before: Config, after: Config): string[] {
  const [old, now] = [before, after].map(({ settings }) => ({
    ...settings,
    tls: settings.tls ?? TLS_DEFAULTS,
    proxy: settings.proxy ?? PROXY_DEFAULTS,
  }));
  if (old === undefined || now === undefined) return [];
  return differing(old, now).flatMap((key) => {
    if (key !== 'tls' && key !== 'proxy') return [`settings.${key}`];
    return differing<object>(old[key], now[key]).map((inner) => `settings.${key}.${inner}`);
  });
}

/** The keys of either whose values differ. The order of keys in a table says nothing. */
function differing<T extends object>(before: T, after: T): (keyof T & string)[] {
  const keys = new Set(Object.keys({ ...before, ...after }) as (keyof T & string)[]);
  return [...keys].filter((key) => !isDeepStrictEqual(before[key], after[key]));
}

function listedOnlyIn(config: Config, other: Config): InstanceKey[] {
  const elsewhere = new Set(listedIn(other).map(formatKey));
  return listedIn(config).filter((key) => !elsewhere.has(formatKey(key)));
}

/** What [instances] lists, in the order of the file. */
export function listedIn({ instances }: Pick<Config, 'instances'>): InstanceKey[] {
  return Object.entries(instances).flatMap(([service, ids]) => ids.map((id) => ({ service, id })));
}
