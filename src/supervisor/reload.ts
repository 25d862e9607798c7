/** What a changed config means for what runs. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Config, ServiceConfig } from '../config/schema.js';
import { PROXY_DEFAULTS } from '../config/settings.js';

export interface ConfigChange {
  /** Services whose process must be started anew to have the change. */
  readonly changed: string[];
  readonly added: string[];
  readonly removed: string[];
}

/** Keys that reach the process itself. All others (timeouts, quotas, balance ...) take effect while it runs. */
const OF_THE_PROCESS: readonly (keyof ServiceConfig)[] = [
  'command',
  'args',
  'workdir',
  'env',
  'env_file',
  'pass_env',
  'user',
  'listen',
  'isolation',
  'sandbox',
  'network',
  'allow_local',
  'read_only_paths',
  'read_write_paths',
  'memory_limit_mb',
  'cpu_shares',
  'cpu_limit',
  'pids_limit',
];

export function compare(before: Config, after: Config): ConfigChange {
  const names = (config: Config) => Object.keys(config.service).sort();
  return {
    added: names(after).filter((name) => before.service[name] === undefined),
    removed: names(before).filter((name) => after.service[name] === undefined),
    changed: names(after).filter((name) => {
      const [old, now] = [before.service[name], after.service[name]];
      return (
        old !== undefined && now !== undefined && OF_THE_PROCESS.some((key) => differs(old[key], now[key]))
      );
    }),
  };
}

/** `[settings]` keys that are only read when the server starts. */
export function needsRestart(before: Config, after: Config): string[] {
  const keys = ['data_dir', 'listen', 'port_range', 'uid_range'] as const;
  const changed: string[] = keys.filter((key) => differs(before.settings[key], after.settings[key]));
  for (const key of [
    'head_timeout',
    'max_head',
    'keep_alive_timeout',
    'fast_reads',
    'proxy_protocol',
  ] as const)
    if (differs(proxyOf(before)[key], proxyOf(after)[key])) changed.push(`proxy.${key}`);
  return changed;
}

/** The order of keys in a table says nothing. */
const proxyOf = (config: Config) => config.settings.proxy ?? PROXY_DEFAULTS;

const differs = (a: unknown, b: unknown) => !isDeepStrictEqual(a, b);
