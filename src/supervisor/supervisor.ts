/**
 * The live instances, one state machine each, over the registry of those that exist. Nothing else creates an Instance.
 * Objects are made when first needed: thousands may be registered while tens are awake.
 */
import type { Handle } from '../../isolation/contract.js';
import type { Clock } from '../base/clock.js';
import { TenementError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { Config, ServiceConfig } from '../config/schema.js';
import type { Logs } from '../logs/types.js';
import type { InstanceRow, Registry } from '../state/types.js';
import { Instance, WAKE } from './instance.js';
import type { Launcher } from './launcher.js';
import { type Timings, timingsOf } from './timings.js';

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  readonly logs: Logs;
  readonly launcher: Launcher;
  /** The config in force; a reload replaces it. */
  readonly config: () => Config;
  /** Public host name of an instance, with port if not the scheme's: what its health checks carry as Host. */
  readonly publicHost: (key: InstanceKey) => string;
  readonly publicProto: () => 'http' | 'https';
  /** A request found its instance asleep. */
  readonly onWake?: (service: string) => void;
  /** Nothing of an instance is to run: it was stopped, or its process or start failed. What is left of that may still be ending. */
  readonly onRest?: (key: InstanceKey) => void;
  /** Instances of a service, their weights or what is wanted of them have changed. */
  readonly onMembers?: (service: string) => void;
  /** An instance is about to be frozen: connections to it must not be kept. They could outlive the app's patience without notice. */
  readonly onFreeze?: (instance: string) => void;
  /** Open requests and upgrades of an instance, where someone counts them who shares one lease among several. */
  readonly openRequests?: (instance: string) => number | undefined;
}

export class Supervisor {
  readonly deps: SupervisorDeps;
  readonly #instances = new Map<string, Instance>();
  /** Rows of a service, for balancing; dropped whenever one changes. */
  readonly #members = new Map<string, InstanceRow[]>();
  #closed = false;

  constructor(deps: SupervisorDeps) {
    this.deps = deps;
  }

  /** @throws TenementError not_found for a service that the config does not have. */
  service(name: string): ServiceConfig {
    const service = this.deps.config().service[name];
    if (service !== undefined) return service;
    throw new TenementError('not_found', `There is no service "${name}" in ${this.deps.config().path}`, {
      hint: `It has: ${Object.keys(this.deps.config().service).sort().join(', ') || 'none'}.`,
    });
  }

  /** The live object of a registered instance; undefined for an unknown one: nothing is created for it. */
  find(key: InstanceKey): Instance | undefined {
    const name = formatKey(key);
    const live = this.#instances.get(name);
    if (live !== undefined) return live;
    const row = this.deps.registry.get(key);
    if (row === undefined) return undefined;
    const made = this.#create(key, row);
    this.#instances.set(name, made);
    return made;
  }

  /** @throws TenementError not_found */
  get(key: InstanceKey): Instance {
    const instance = this.find(key);
    if (instance !== undefined) return instance;
    throw new TenementError('not_found', `There is no instance ${formatKey(key)}`);
  }

  /** The object if there is one already; most of the registered ones have none. */
  live(key: InstanceKey): Instance | undefined {
    return this.#instances.get(formatKey(key));
  }

  /** Registers a new instance. The caller has checked that it may exist (registration.ts). */
  register(key: InstanceKey, weight?: number): Instance {
    this.deps.registry.register(key, this.deps.clock.now());
    if (weight !== undefined) this.deps.registry.update(key, { weight });
    this.#changed(key.service);
    return this.get(key);
  }

  /** Forgets an instance that has been stopped. */
  forget(key: InstanceKey): void {
    this.deps.registry.forget(key);
    this.#instances.delete(formatKey(key));
    this.#changed(key.service);
  }

  /** Lets go of an object that was shut down while its instance stays registered; the next need makes a new one. */
  release(key: InstanceKey, instance: Instance): void {
    if (this.live(key) === instance) this.#instances.delete(formatKey(key));
  }

  /** Sets several weights in one step. */
  setWeights(changes: readonly { key: InstanceKey; weight: number }[]): void {
    this.deps.registry.setWeights(changes);
    for (const { key } of changes) this.#changed(key.service);
  }

  #changed(service: string): void {
    this.#members.delete(service);
    this.deps.onMembers?.(service);
  }

  members(service: string): readonly InstanceRow[] {
    const known = this.#members.get(service);
    if (known !== undefined) return known;
    const rows = this.deps.registry.all().filter((row) => row.service === service);
    this.#members.set(service, rows);
    return rows;
  }

  get instances(): Iterable<Instance> {
    return this.#instances.values();
  }

  /**
   * Drains and stops everything; afterwards nothing starts any more. Sleeping ones are refused to wake as well. What runs or is frozen
   * and is `left` stays as it is, for the next server to adopt.
   */
  async shutdown(left: (handle: Handle) => boolean = () => false): Promise<void> {
    this.#closed = true;
    const ours = [...this.#instances.values()].filter(
      ({ state, handle }) =>
        !((state === 'ready' || state === 'frozen') && handle !== undefined && left(handle)),
    );
    await Promise.all(ours.map((instance) => instance.shutdown()));
  }

  /** Ends what still keeps a shutdown waiting: open requests are cut now and not at drain_timeout. */
  hurry(): void {
    for (const instance of this.#instances.values()) instance.cutDrain();
  }

  #create(key: InstanceKey, row: InstanceRow): Instance {
    const { clock, log, registry, logs, launcher } = this.deps;
    const name = formatKey(key);
    const childLog = log.child({ instance: name });
    // A service that a reload took away keeps its last timings, so that its instances can still be stopped in order.
    let timings: Timings | undefined;
    const currentTimings = (): Timings => {
      const service = this.deps.config().service[key.service];
      if (service !== undefined) timings = timingsOf(service, this.deps.config().settings);
      timings ??= ORPHAN_TIMINGS;
      return timings;
    };
    const instance = new Instance(key, row.want, {
      clock,
      log: childLog,
      timings: currentTimings,
      launch: (signal) => launcher.launch(key, signal),
      healthRequest: (handle) => ({
        address: handle.address,
        path: this.deps.config().service[key.service]?.health,
        host: this.deps.publicHost(key),
        proto: this.deps.publicProto(),
        timeoutMs: currentTimings().healthTimeoutMs,
      }),
      openRequests: () => this.deps.openRequests?.(formatKey(key)),
      onFreeze: () => this.deps.onFreeze?.(formatKey(key)),
      onTransition: (from, to, cause) => {
        childLog.info({ from, to, cause }, `${from} -> ${to}`);
        registry.addEvent(key, { at: clock.now(), from, to, cause });
        if (to === 'stopped' || to === 'backoff' || to === 'failed') this.deps.onRest?.(key);
        if (to === 'frozen') logs.note(key, `frozen: ${cause}`);
        if ((from === 'ready' || from === 'frozen') && (to === 'stopping' || to === 'draining'))
          logs.note(key, `stopping: ${cause}`);
        if (from === to) logs.note(key, `starting again with another port: ${cause}`);
        if (to === 'backoff') logs.note(key, `waiting before the next start: ${cause}`);
        if (to === 'failed') logs.note(key, `died too often, not restarted for now: ${cause}`);
        if ((to === 'starting' || from === 'frozen') && cause === WAKE) this.deps.onWake?.(key.service);
      },
      onWant: (want) => {
        registry.update(key, want === 'up' ? { want } : { want, listed: false });
        this.#changed(key.service);
      },
      onExit: async (exit) => {
        await logs.flush(key);
        // The end that was asked for has been noted with its reason.
        if (instance.state !== 'stopping' && (exit.code !== 0 || exit.unknown)) {
          const how =
            exit.signal !== null
              ? `killed by ${exit.signal}`
              : exit.unknown
                ? 'ended'
                : `exited with code ${exit.code}`;
          logs.note(key, exit.oom ? 'killed: out of memory' : how);
        }
      },
      onGone: (handle) => launcher.gone(key, handle),
    });
    if (this.#closed) void instance.shutdown();
    return instance;
  }
}

const ORPHAN_TIMINGS: Timings = {
  restart: { restart: 'never', maxRestarts: 0, windowMs: 300_000, backoffBaseMs: 1000, backoffMaxMs: 60_000 },
  startupMs: 30_000,
  stopMs: 10_000,
  drainMs: 30_000,
  idleMs: 0,
  freezeMs: undefined,
  healthIntervalMs: 10_000,
  healthTimeoutMs: 5000,
};
