/** What people may ask of the supervisor (control.ts), carried out. */
import { asTenementError, TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { Config } from '../config/schema.js';
import type { InstanceRow } from '../state/types.js';
import type { Activation } from './activation.js';
import { applyReload } from './apply-reload.js';
import type {
  Control,
  DataFate,
  Done,
  InstanceView,
  PutChanges,
  SpawnOptions,
  StorageView,
  Want,
} from './control.js';
import type { DiskLimits } from './disk-limits.js';
import type { Instance } from './instance.js';
import { releaseUid, removeData } from './instance-data.js';
import { notReady, refuseStillborn } from './not-ready.js';
import type { Quotas } from './quotas.js';
import type { Registration } from './registration.js';
import { type ConfigChange, compare } from './reload.js';
import { restartService } from './rolling.js';
import type { Supervisor } from './supervisor.js';
import { assertWeight, deploy, route } from './versions.js';
import { viewOf } from './views.js';

interface OperationsDeps {
  readonly supervisor: Supervisor;
  readonly registration: Registration;
  readonly quotas: Quotas;
  readonly diskLimits?: DiskLimits;
  /** Reads the file again, checks it and puts it in force; throws and changes nothing when it is not valid. */
  readonly applyConfig: () => Promise<{ before: Config; after: Config }>;
  /** Registers what the config lists, and starts what is new of it or was not listed before. */
  readonly startListed: (listed: readonly InstanceKey[]) => Promise<void>;
  /** What to do when an instance of that service cannot be started, where that is known: instead of the general hint. */
  readonly startAdvice?: (service: string) => string | undefined;
  /** The instance is forgotten: metrics drop its labels. */
  readonly onForget: (key: InstanceKey) => void;
  /** What would start an instance past us: shut before a stop that is to last, closed after it. */
  readonly activation?: Pick<Activation, 'shut' | 'close' | 'reopen' | 'leave' | 'renew'>;
}

export class Operations implements Control {
  readonly #deps: OperationsDeps;

  constructor(deps: OperationsDeps) {
    this.#deps = deps;
  }

  async list({ all }: { all: boolean }): Promise<InstanceView[]> {
    const { supervisor } = this.#deps;
    const rows = all
      ? supervisor.deps.registry.all()
      : [...supervisor.instances]
          .filter((one) => one.state !== 'stopped')
          .flatMap((one) => supervisor.deps.registry.get(one.key) ?? []);
    rows.sort((a, b) => compareText(a.service, b.service) || compareText(a.id, b.id));
    return Promise.all(rows.map((row) => this.#show(row)));
  }

  async view(key: InstanceKey): Promise<InstanceView> {
    this.#deps.supervisor.get(key);
    const row = this.#deps.supervisor.deps.registry.get(key);
    if (row === undefined) throw new TenementError('not_found', `There is no instance ${formatKey(key)}`);
    return this.#show(row);
  }

  exists(key: InstanceKey): boolean {
    return this.#deps.supervisor.find(key) !== undefined;
  }

  services(): string[] {
    return Object.keys(this.#deps.supervisor.deps.config().service).sort();
  }

  async spawn(key: InstanceKey, options: SpawnOptions): Promise<Done> {
    const instance = await this.#deps.registration.ensure(key, { adoptData: options.adoptData ?? false });
    const service = this.#deps.supervisor.service(key.service);
    // From now on it is there because a person wants it, whatever [instances] says later.
    this.#deps.supervisor.deps.registry.update(key, { listed: false });
    const already = instance.state === 'ready';
    const ready = this.#started(instance, instance.start('on-demand')).then(() =>
      already ? undefined : refuseStillborn(instance, service),
    );
    if (options.wait === false) ready.catch(() => {});
    else await ready;
    return { ...(await this.view(key)), already };
  }

  async stop(key: InstanceKey, { hold }: { hold: boolean }): Promise<Done> {
    const instance = this.#deps.supervisor.get(key);
    const already = instance.state === 'stopped';
    // A stop changes neither a hold nor `disabled`, and a hold does not enable: it comes after.
    if (hold && instance.want === 'disabled') this.#deps.supervisor.deps.registry.update(key, { held: true });
    const want = hold && instance.want !== 'disabled' ? 'down' : keptDown(instance.want);
    const why = new TenementError(hold ? 'held' : 'stopped', undefined, { retryAfterSecs: 1 });
    await this.#deps.activation?.shut(key);
    await instance.stop(want, why, () => this.#afterStop(key));
    return { ...(await this.view(key)), already };
  }

  /** A stop with a hold that nobody asked for: the instance does harm to others. What is disabled is at its end already. */
  async evict(key: InstanceKey, why: TenementError): Promise<void> {
    const instance = this.#deps.supervisor.get(key);
    await this.#deps.activation?.shut(key);
    if (instance.want === 'disabled') return instance.stop('disabled', why, () => this.#afterStop(key));
    await instance.evict(why, () => this.#afterStop(key));
  }

  async restart(key: InstanceKey): Promise<InstanceView> {
    const instance = this.#deps.supervisor.get(key);
    await this.#started(instance, instance.restart('a person asked for a restart'));
    return this.view(key);
  }

  /** A failure is told with what to try. */
  #started(instance: Instance, ready: Promise<void>): Promise<void> {
    return ready.catch((error: unknown) => {
      throw notReady(asTenementError(error), instance, this.#deps.startAdvice?.(instance.key.service));
    });
  }

  restartService(service: string): AsyncIterable<{ key: InstanceKey; done: number; total: number }> {
    return restartService(this.#deps.supervisor, service);
  }

  async remove(key: InstanceKey, options: { purge: boolean }): Promise<DataFate> {
    const { supervisor, quotas, diskLimits, onForget } = this.#deps;
    const { logs, clock, launcher } = supervisor.deps;
    const instance = supervisor.get(key);
    // For this object for ever: a start that slipped in would find its data gone.
    await this.#deps.activation?.shut(key);
    await instance.shutdown();
    let fate: DataFate = { trash: undefined, deleted: [], kept: [] };
    const erase = async () => {
      // Two who remove it at once: the second must not find the data of a new one of that name.
      if (supervisor.live(key) !== instance)
        throw new TenementError('not_found', `There is no instance ${formatKey(key)}`);
      await this.#deps.activation?.close(key);
      await launcher.settle(key);
      const how = options.purge || !this.#persists(key) ? 'purge' : 'trash';
      const counted = diskLimits?.isCounted(key) === true;
      fate = await removeData(supervisor.deps, key, how, clock.now());
      if (counted) await diskLimits?.lift(key, fate.trash);
      if (how === 'purge') await releaseUid(supervisor.deps, key);
      await logs.remove(key);
    };
    try {
      await instance.whileDown(erase);
    } catch (error) {
      // Still registered: what was shut down makes way for a new object, or nothing but a restart of the server could start it.
      supervisor.release(key, instance);
      throw error;
    }
    supervisor.forget(key);
    quotas.forget(key);
    onForget(key);
    return fate;
  }

  async setDisabled(key: InstanceKey, disabled: boolean): Promise<InstanceView> {
    const instance = this.#deps.supervisor.get(key);
    const { registry } = this.#deps.supervisor.deps;
    if (disabled) {
      // Before: should the server die in between, the hold is not lost.
      if (instance.want !== 'disabled') registry.update(key, { held: instance.want === 'down' });
      await this.#deps.activation?.shut(key);
      await instance.stop('disabled', new TenementError('disabled'), () => this.#afterStop(key));
    } else if (instance.want === 'disabled') {
      instance.setWant(registry.get(key)?.held === true ? 'down' : 'on-demand');
      await instance.whileDown(async () => this.#deps.activation?.reopen(key));
    }
    return this.view(key);
  }

  async setWeight(key: InstanceKey, weight: number): Promise<InstanceView> {
    assertWeight(weight);
    this.#deps.supervisor.get(key);
    this.#deps.supervisor.setWeights([{ key, weight }]);
    return this.view(key);
  }

  async put(key: InstanceKey, changes: PutChanges): Promise<{ created: boolean; instance: InstanceView }> {
    const { supervisor, registration } = this.#deps;
    if (changes.weight !== undefined) assertWeight(changes.weight);
    const created = supervisor.find(key) === undefined;
    const instance = await registration.ensure(key, { adoptData: false });
    if (changes.env !== undefined) supervisor.deps.registry.update(key, { env: changes.env });
    if (changes.weight !== undefined) supervisor.setWeights([{ key, weight: changes.weight }]);
    if (changes.disabled !== undefined) await this.setDisabled(instance.key, changes.disabled);
    if (created || changes.env !== undefined) await this.#reopen(instance);
    return { created, instance: await this.view(key) };
  }

  /** Of one that sleeps and that nothing starts here: whoever connects while no server runs finds it, and with the environment that it has now. */
  async #reopen(instance: Instance): Promise<void> {
    if (instance.state !== 'stopped') return;
    await instance.whileDown(async () => this.#deps.activation?.reopen(instance.key));
  }

  env(key: InstanceKey): Readonly<Record<string, string>> {
    this.#deps.supervisor.get(key);
    return this.#deps.supervisor.deps.registry.get(key)?.env ?? {};
  }

  async setEnv(key: InstanceKey, name: string, value: string | undefined): Promise<void> {
    const { [name]: _old, ...rest } = this.env(key);
    this.#deps.supervisor.deps.registry.update(key, {
      env: value === undefined ? rest : { ...rest, [name]: value },
    });
    await this.#reopen(this.#deps.supervisor.get(key));
  }

  async storage(key: InstanceKey): Promise<StorageView> {
    this.#deps.supervisor.get(key);
    return { usedBytes: await this.#deps.quotas.measure(key), quotaBytes: this.#deps.quotas.limit(key) };
  }

  async deploy(
    service: string,
    version: string,
    options: { weight: number; timeoutSecs: number | undefined },
  ): Promise<InstanceView> {
    const key = { service, id: version };
    const { supervisor, registration } = this.#deps;
    await deploy(supervisor, registration, key, {
      ...options,
      remove: async (failed) => void (await this.remove(failed, { purge: true })),
    });
    return this.view(key);
  }

  async route(service: string, from: string, to: string): Promise<{ from: InstanceView; to: InstanceView }> {
    const keys = [
      { service, id: from },
      { service, id: to },
    ] as const;
    await route(this.#deps.supervisor, ...keys);
    return { from: await this.view(keys[0]), to: await this.view(keys[1]) };
  }

  async reload(): Promise<ConfigChange> {
    const { supervisor } = this.#deps;
    const { before, after } = await this.#deps.applyConfig();
    const change = compare(before, after);
    const running = [...supervisor.instances].filter(({ handle }) => handle !== undefined);
    await this.#deps.diskLimits?.refresh(running.map(({ key }) => key));
    // Nobody is to start what belongs to no service any more.
    const orphans = supervisor.deps.registry.all().filter(({ service }) => change.removed.includes(service));
    for (const key of orphans) await this.#deps.activation?.shut(key);
    await this.#deps.activation?.leave();
    await applyReload(supervisor, change);
    for (const key of orphans) await this.#deps.activation?.close(key);
    await this.#deps.activation?.renew(change.changed);
    await this.#deps.startListed(change.listed);
    return change;
  }

  async #show(row: InstanceRow): Promise<InstanceView> {
    const { supervisor, quotas } = this.#deps;
    const live = supervisor.live(row);
    // A process that ends while it is measured has no figures.
    const stats = await live?.handle?.stats?.().catch(() => undefined);
    const key = { service: row.service, id: row.id };
    const service = supervisor.deps.config().service[row.service];
    return viewOf({
      key,
      want: row.want,
      weight: row.weight,
      backend: service?.isolation ?? '-',
      configured: service !== undefined,
      live,
      memoryBytes: stats?.memoryBytes,
      cpuSecs: stats?.cpuSecs,
      storageUsedBytes: quotas.used(key),
      storageQuotaBytes: quotas.limit(key),
    });
  }

  #persists(key: InstanceKey): boolean {
    return this.#deps.supervisor.deps.config().service[key.service]?.storage_persist ?? true;
  }

  /** Between the old process and a new one: nothing of it lives, also not of a start during which an earlier server died. */
  async #afterStop(key: InstanceKey): Promise<void> {
    const { deps } = this.#deps.supervisor;
    await this.#deps.activation?.close(key);
    await deps.launcher.settle(key);
    if (!this.#persists(key)) await removeData(deps, key, 'purge', deps.clock.now());
    await this.#deps.activation?.reopen(key);
  }
}

/** What is wanted after a stop: the next request wakes it, unless somebody keeps it down. */
const keptDown = (want: Want): Want => (want === 'down' || want === 'disabled' ? want : 'on-demand');

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
