/** What a running instance needs of the config, in milliseconds. Pure. */
import type { ServiceConfig, Settings } from '../config/schema.js';
import type { RestartPolicy } from './policy.js';

export interface Timings {
  readonly restart: RestartPolicy;
  readonly startupMs: number;
  readonly stopMs: number;
  readonly drainMs: number;
  /** 0: never sleeps. */
  readonly idleMs: number;
  /** Who sleeps is frozen, and after this time stopped (0: never). Undefined: stopped at once. */
  readonly freezeMs: number | undefined;
  readonly healthIntervalMs: number;
  readonly healthTimeoutMs: number;
}

export function timingsOf(service: ServiceConfig, settings: Settings): Timings {
  return {
    restart: {
      restart: service.restart,
      maxRestarts: settings.max_restarts,
      windowMs: settings.restart_window * 1000,
      backoffBaseMs: settings.backoff_base_ms,
      backoffMaxMs: settings.backoff_max_ms,
    },
    startupMs: service.startup_timeout * 1000,
    stopMs: service.stop_timeout * 1000,
    drainMs: service.drain_timeout * 1000,
    idleMs: service.idle_timeout * 1000,
    freezeMs: service.idle_action === 'freeze' ? service.freeze_timeout * 1000 : undefined,
    healthIntervalMs: settings.health_check_interval * 1000,
    healthTimeoutMs: service.health_timeout * 1000,
  };
}
