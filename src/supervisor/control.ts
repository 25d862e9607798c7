/** What people may ask of the supervisor: the interface between the API and the supervisor. Types only. */
import type { InstanceKey } from '../base/names.js';
import type { ConfigChange } from './reload.js';

/** The states of one instance (docs/concepts.md has the picture). */
export type State =
  | 'stopped'
  | 'starting'
  | 'ready'
  | 'draining'
  | 'stopping'
  | 'frozen'
  | 'backoff'
  | 'failed';

/** What is wanted of an instance, apart from what it is. `down` is a hold: only a person's start ends it. */
export type Want = 'up' | 'on-demand' | 'down' | 'disabled';

/** The word of `ten health`. */
export type Health = 'healthy' | 'degraded' | 'unhealthy' | 'failed' | 'sleeping' | 'starting';

/** One instance as the API shows it. Sizes in bytes, times in seconds. */
export interface InstanceView {
  readonly key: InstanceKey;
  readonly state: State;
  readonly want: Want;
  readonly health: Health;
  /** `127.0.0.1:30001` or a socket path; undefined while nothing runs. */
  readonly address: string | undefined;
  readonly uptimeSecs: number | undefined;
  readonly idleSecs: number | undefined;
  /** Restarts within the restart window. */
  readonly restarts: number;
  readonly weight: number;
  readonly pid: number | undefined;
  readonly backend: string;
  /** The config has its service. Without, nothing starts it. */
  readonly configured: boolean;
  readonly memoryBytes: number | undefined;
  readonly cpuSecs: number | undefined;
  readonly storageUsedBytes: number | undefined;
  readonly storageQuotaBytes: number | undefined;
  /** Open requests and upgrades. */
  readonly inFlight: number;
  /** Why it last left `ready` or failed to become it. */
  readonly lastProblem: string | undefined;
}

/** An instance after something was done to it. */
export interface Done extends InstanceView {
  /** There was nothing to do: it ran, or was stopped, already. */
  readonly already: boolean;
}

export interface StorageView {
  readonly usedBytes: number;
  readonly quotaBytes: number | undefined;
}

/** What became of the data of an instance that was removed. Absolute paths. */
export interface DataFate {
  /** The directory in the trash that it was moved to; undefined when nothing was moved. */
  readonly trash: string | undefined;
  readonly deleted: readonly string[];
  /** Left where it is, because other registered instances have their data there, too. */
  readonly kept: readonly { readonly path: string; readonly sharedWith: readonly string[] }[];
}

export interface SpawnOptions {
  /** Wait until ready (default true); otherwise return once the start is under way. */
  readonly wait?: boolean;
  /** Take over data that an earlier instance of that name left. */
  readonly adoptData?: boolean;
}

/** Idempotent create or change. `env` replaces the per-instance environment as a whole; keys absent here stay as they are. */
export interface PutChanges {
  readonly env?: Readonly<Record<string, string>>;
  readonly weight?: number;
  readonly disabled?: boolean;
}

/** Each method throws TenementError; unknown instances: `not_found`. */
export interface Control {
  /** Awake ones (anything but sleeping, held, disabled); with `all` every registered one. Sorted by service, then id. */
  list(options: { all: boolean }): Promise<InstanceView[]>;
  view(key: InstanceKey): Promise<InstanceView>;
  exists(key: InstanceKey): boolean;
  /** Services of the config, sorted. */
  services(): string[];
  /** Registers if new, starts, waits until ready. Ends a hold and a failure, but not `disabled`. */
  spawn(key: InstanceKey, options: SpawnOptions): Promise<Done>;
  /** Drains and stops. `hold`: stays down until a spawn; else the next request wakes it. */
  stop(key: InstanceKey, options: { hold: boolean }): Promise<Done>;
  restart(key: InstanceKey): Promise<InstanceView>;
  /** The awake instances of a service in batches, each waiting for health; stops at the first failure. Yields after each instance. */
  restartService(service: string): AsyncIterable<{ key: InstanceKey; done: number; total: number }>;
  /** Stops and forgets. Data goes to the dated trash unless `purge` (or `storage_persist = false`); what others share is left. */
  remove(key: InstanceKey, options: { purge: boolean }): Promise<DataFate>;
  /** Stops it now, or lets it run again. A hold outlasts it: what was held, or is held meanwhile, is so after it. */
  setDisabled(key: InstanceKey, disabled: boolean): Promise<InstanceView>;
  setWeight(key: InstanceKey, weight: number): Promise<InstanceView>;
  put(key: InstanceKey, changes: PutChanges): Promise<{ created: boolean; instance: InstanceView }>;
  /** The per-instance environment (not the service's). */
  env(key: InstanceKey): Readonly<Record<string, string>>;
  /** Takes effect at the next start. `value` undefined unsets. */
  setEnv(key: InstanceKey, name: string, value: string | undefined): Promise<void>;
  storage(key: InstanceKey): Promise<StorageView>;
  /** Starts `service:version`, waits until healthy (at most `timeoutSecs`), then gives it `weight`; on failure nothing is left changed. */
  deploy(
    service: string,
    version: string,
    options: { weight: number; timeoutSecs: number | undefined },
  ): Promise<InstanceView>;
  /** Moves the whole weight of `from` to `to` in one step. */
  route(service: string, from: string, to: string): Promise<{ from: InstanceView; to: InstanceView }>;
  /** Reads the config file again and applies it; running instances whose service did not change are not touched. Tells what differs. */
  reload(): Promise<ConfigChange>;
}
