/** What is remembered across restarts of the server, and the narrow interface to it. Types only; store.ts implements them on SQLite. */
import type { InstanceKey } from '../base/names.js';

/** A registered instance. Times are milliseconds since the epoch. */
export interface InstanceRow {
  readonly service: string;
  readonly id: string;
  readonly want: 'up' | 'on-demand' | 'down' | 'disabled';
  /** While `want` is `disabled`: it was held before, and is again once it is enabled. */
  readonly held: boolean;
  /** While `want` is `up`: only because [instances] listed it. */
  readonly listed: boolean;
  readonly weight: number;
  readonly env: Readonly<Record<string, string>>;
  readonly createdAt: number;
}

/** Where an instance has or had data. */
export interface DataPathRow {
  /** Relative to the data directory, with `/` between the segments. */
  readonly path: string;
  /** `file`: with its SQLite companions. `trash`: what an earlier instance of that name left, moved there. */
  readonly kind: 'directory' | 'file' | 'trash';
  /** Whom it was last prepared for; undefined: not yet. */
  readonly uid: number | undefined;
  /** Under which disk quota project the whole directory was put, and which directory that was; undefined: under none. */
  readonly counted: string | undefined;
}

/** The settings that an instance was started with, to be compared and not to be read. */
export interface StartedWith {
  /** Which run has them; undefined: the next one, whoever starts it. */
  readonly run: string | undefined;
  /** By key of the service's table in the config. */
  readonly digests: Readonly<Record<string, string>>;
}

/** Which instances exist, and what is known of their last process. The only writer is the supervisor. */
export interface Registry {
  all(): InstanceRow[];
  /** How many there are. */
  size(): number;
  get(key: InstanceKey): InstanceRow | undefined;
  /** Inserts with want `on-demand`, weight 100, no env; a no-op when it exists. Returns the row. */
  register(key: InstanceKey, now: number): InstanceRow;
  update(
    key: InstanceKey,
    changes: Partial<Pick<InstanceRow, 'want' | 'held' | 'listed' | 'weight' | 'env'>>,
  ): void;
  /** Several weights in one transaction (`ten route`). */
  setWeights(changes: readonly { key: InstanceKey; weight: number }[]): void;
  /** Forgets instance, ref, trace and env; events and audit stay. */
  forget(key: InstanceKey): void;

  /** Written before a process is started: if we die before the ref is saved, the trace says what to look for. */
  saveTrace(key: InstanceKey, trace: { run: string; cgroup: string | undefined }): void;
  /** Plain JSON of a backend's ref; replaces the trace. */
  saveRef(key: InstanceKey, ref: unknown): void;
  /** Clears ref and trace: nothing of that instance runs. */
  clearRun(key: InstanceKey): void;
  run(key: InstanceKey): { trace?: { run: string; cgroup: string | undefined }; ref?: unknown } | undefined;
  /** Stays when the run is cleared. */
  saveStartedWith(key: InstanceKey, settings: StartedWith): void;
  /** Undefined for what a version started that did not remember it. */
  startedWith(key: InstanceKey): StartedWith | undefined;

  /** The uid recorded for the instance, or a new one: never one that was given before, also not to an instance since forgotten, until `releaseUid`. @throws uids_exhausted */
  uidFor(key: InstanceKey, range: readonly [number, number]): number;
  /** Only when no data of that uid exists any more (purge). */
  releaseUid(key: InstanceKey): void;

  /** Every path that the instance was ever given and that is not known to be gone; also of one that is not registered any more. */
  dataPaths(key: InstanceKey): DataPathRow[];
  /** Idempotent. `uid`, once the path has been prepared for it; without it what is recorded stays. */
  recordDataPath(key: InstanceKey, path: Pick<DataPathRow, 'path' | 'kind'>, uid?: number): void;
  /** Once everything in a recorded directory is counted (`undefined`: no more), whoever has it. */
  markCounted(path: string, counted: string | undefined): void;
  /** Nothing is there any more: forgets the path and those inside it, whoever had them. */
  forgetDataPath(path: string): void;
  /** Registered instances that were given this path, one inside it or one around it. */
  dataPathOwners(path: string): InstanceKey[];

  addEvent(key: InstanceKey, event: { at: number; from: string; to: string; cause: string }): void;
  /** Newest first. At most a bounded number per instance is kept. */
  events(key: InstanceKey, limit: number): { at: number; from: string; to: string; cause: string }[];
}

export type TokenScope = { kind: 'admin' } | { kind: 'tenant'; tenant: string } | { kind: 'create' };

export interface TokenRow {
  /** Public part, also the first characters of the token: what `ten token ls` and `revoke` use. */
  readonly prefix: string;
  readonly scope: TokenScope;
  readonly description: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
}

export interface Tokens {
  /** Returns the token itself, once; only its hash is stored. */
  create(scope: TokenScope, description: string, now: number): { token: string; row: TokenRow };
  /** Constant time in the secret part; undefined for a bad or revoked token. */
  verify(token: string, now: number): TokenRow | undefined;
  list(): TokenRow[];
  /** False when there is no such prefix. */
  revoke(prefix: string): boolean;
}

export interface AuditRow {
  readonly at: number;
  /** `socket`, `token:PREFIX`, `cli`, `supervisor`. */
  readonly actor: string;
  /** `spawn`, `stop`, `token.create` ... */
  readonly action: string;
  readonly target: string;
  readonly outcome: 'ok' | 'failed';
  /** Never a secret: names of variables, not their values. */
  readonly detail: string;
}

export interface Audit {
  add(row: AuditRow): void;
  /** Newest first. */
  list(options: { limit: number; target?: string }): AuditRow[];
}

export interface Store {
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly audit: Audit;
  close(): void;
}
