/**
 * Pure: where each key of a service has an effect; what has none as the file is, `ten check` and the start warn of. What is asked for and cannot be
 * given at all is an error (combinations.ts).
 */
import type { Config, ServiceConfig } from './schema.js';
import { DEFAULT_MAX_INSTANCES } from './service.js';

interface Condition {
  /** Whether the file asks for something by the key: what is left out, or is the default, asks for nothing. */
  readonly asks: (service: ServiceConfig) => boolean;
  readonly works: (service: ServiceConfig) => boolean;
  /** What to say otherwise: why, and what to do. */
  readonly otherwise: (service: ServiceConfig) => string;
}

/** With `process` an instance has the files and the network that its user has. */
const isIsolated = ({ isolation }: ServiceConfig) => isolation !== 'process';
const sleeps = ({ idle_timeout }: ServiceConfig) => idle_timeout > 0;
const filled = (list: readonly unknown[] | undefined) => (list ?? []).length > 0;

const NEVER_SLEEPS = 'has no effect without `idle_timeout`: by default no instance ever sleeps';

const paths = (key: 'read_only_paths' | 'read_write_paths'): Condition => ({
  asks: (service) => filled(service[key]),
  works: isIsolated,
  otherwise: () =>
    'has no effect with `isolation = "process"`, where an app sees and writes what its user may: use another isolation, or leave it out',
});

/** Every key, so that a new one cannot be forgotten here. `always`: it has an effect whatever else is set. */
export const EFFECTS: Readonly<Record<keyof ServiceConfig, 'always' | Condition>> = {
  command: 'always',
  args: 'always',
  workdir: 'always',
  env: 'always',
  env_file: 'always',
  pass_env: 'always',
  user: 'always',
  listen: 'always',
  restart: 'always',
  health: 'always',
  // Without a path it bounds the connection that is tried instead.
  health_timeout: 'always',
  idle_timeout: 'always',
  idle_action: {
    asks: ({ idle_action }) => idle_action === 'freeze',
    works: sleeps,
    otherwise: () => NEVER_SLEEPS,
  },
  freeze_timeout: {
    asks: ({ freeze_timeout }) => freeze_timeout > 0,
    works: (service) => service.idle_action === 'freeze' && sleeps(service),
    otherwise: ({ idle_action }) =>
      idle_action === 'freeze'
        ? NEVER_SLEEPS
        : 'has no effect without `idle_action = "freeze"`: who sleeps is stopped at once',
  },
  startup_timeout: 'always',
  request_timeout: 'always',
  stop_timeout: 'always',
  drain_timeout: 'always',
  on_demand: 'always',
  max_instances: {
    asks: ({ max_instances }) => max_instances !== DEFAULT_MAX_INSTANCES,
    works: ({ on_demand }) => on_demand === 'any',
    otherwise: () =>
      'has no effect without `on_demand = "any"`: by default only `ten spawn` and the API register instances',
  },
  balance: 'always',
  storage_persist: 'always',
  storage_quota_mb: 'always',
  max_body: 'always',
  memory_limit_mb: 'always',
  cpu_shares: 'always',
  cpu_limit: 'always',
  pids_limit: 'always',
  isolation: 'always',
  sandbox: {
    asks: ({ sandbox }) => sandbox !== undefined,
    works: ({ isolation }) => isolation === 'sandbox' || isolation === 'auto',
    otherwise: ({ isolation }) =>
      `names the tool behind \`isolation = "sandbox"\` and has no effect with "${isolation}": use that isolation, or leave it out`,
  },
  network: 'always',
  allow_local: {
    asks: ({ allow_local }) => filled(allow_local),
    works: (service) => isIsolated(service) && service.network !== 'none',
    otherwise: ({ network }) =>
      network === 'none'
        ? 'has no effect with `network = "none"`, where nothing is reached: use "egress", or leave it out'
        : 'has no effect with `isolation = "process"`, where an app reaches all of loopback: use another isolation, or leave it out',
  },
  read_only_paths: paths('read_only_paths'),
  read_write_paths: paths('read_write_paths'),
  // Elsewhere it is an error (check-unit.ts): what it asks for is more than a convenience.
  systemd: 'always',
};

/** Keys that do nothing as the file is, one line each: `service.notes.sandbox: ...`. */
export function effectWarnings({ service }: Pick<Config, 'service'>): string[] {
  return Object.entries(service).flatMap(([name, one]) =>
    idleKeys(one).map(({ key, message }) => `service.${name}.${key}: ${message}`),
  );
}

export function idleKeys(service: ServiceConfig): { key: keyof ServiceConfig; message: string }[] {
  return Object.entries(EFFECTS).flatMap(([name, effect]) => {
    if (effect === 'always' || !effect.asks(service) || effect.works(service)) return [];
    return [{ key: name as keyof ServiceConfig, message: effect.otherwise(service) }];
  });
}
