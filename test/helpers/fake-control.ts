import { TenementError } from '../../src/base/errors.js';
import { formatKey, type InstanceKey, parseKey } from '../../src/base/names.js';
import type { Control, DataFate, Done, InstanceView, PutChanges } from '../../src/supervisor/control.js';
import type { ConfigChange } from '../../src/supervisor/reload.js';

interface Kept {
  view: InstanceView;
  env: Record<string, string>;
}

/** A Control whose instances are entries of a map: starts and stops succeed at once. For tests of what stands on a Control. */
export class FakeControl implements Control {
  readonly kept = new Map<string, Kept>();
  /** Each call that changes something, as `verb key`. */
  readonly calls: string[] = [];
  /** What a removal answers; when absent, what one would expect of it. */
  fate: DataFate | undefined;
  /** When set, the named method throws it. */
  readonly failures = new Map<keyof Control, Error>();

  constructor(
    private readonly names: readonly string[],
    instances: readonly string[] = [],
  ) {
    for (const text of instances) this.#register(parseKey(text), 'ready');
  }

  async list({ all }: { all: boolean }): Promise<InstanceView[]> {
    this.#mayFail('list');
    const views = [...this.kept.values()].map(({ view }) => view);
    return views
      .filter((view) => all || view.state !== 'stopped')
      .sort((a, b) => (formatKey(a.key) < formatKey(b.key) ? -1 : 1));
  }

  async view(key: InstanceKey): Promise<InstanceView> {
    return this.#get(key).view;
  }

  exists(key: InstanceKey): boolean {
    return this.kept.has(formatKey(key));
  }

  services(): string[] {
    return [...this.names].sort();
  }

  async spawn(key: InstanceKey): Promise<Done> {
    this.calls.push(`spawn ${formatKey(key)}`);
    this.#mayFail('spawn');
    const already = this.kept.get(formatKey(key))?.view.state === 'ready';
    return { ...this.#register(key, 'ready').view, already };
  }

  async stop(key: InstanceKey, { hold }: { hold: boolean }): Promise<Done> {
    this.calls.push(`stop ${formatKey(key)}${hold ? ' hold' : ''}`);
    const { state, want } = this.#get(key).view;
    const already = state === 'stopped';
    const view = this.#change(key, {
      state: 'stopped',
      health: 'sleeping',
      want: hold ? 'down' : want === 'up' ? 'on-demand' : want,
      address: undefined,
      pid: undefined,
    });
    return { ...view, already };
  }

  async restart(key: InstanceKey): Promise<InstanceView> {
    this.calls.push(`restart ${formatKey(key)}`);
    return this.#change(key, running);
  }

  async *restartService(service: string): AsyncIterable<{ key: InstanceKey; done: number; total: number }> {
    this.calls.push(`restartService ${service}`);
    this.#known(service);
    const awake = (await this.list({ all: false })).filter(({ key }) => key.service === service);
    for (const [i, { key }] of awake.entries()) {
      yield { key, done: i + 1, total: awake.length };
      // After the first one, as when the second does not become healthy.
      this.#mayFail('restartService');
    }
  }

  async remove(key: InstanceKey, { purge }: { purge: boolean }): Promise<DataFate> {
    this.calls.push(`remove ${formatKey(key)}${purge ? ' purge' : ''}`);
    this.#get(key);
    this.kept.delete(formatKey(key));
    if (this.fate !== undefined) return this.fate;
    const data = `/data/${key.service}/${key.id}`;
    return purge
      ? { trash: undefined, deleted: [data], kept: [] }
      : { trash: `/data/.tenement/trash/${key.service}-${key.id}`, deleted: [], kept: [] };
  }

  async setDisabled(key: InstanceKey, disabled: boolean): Promise<InstanceView> {
    return this.#change(key, { want: disabled ? 'disabled' : 'on-demand' });
  }

  async setWeight(key: InstanceKey, weight: number): Promise<InstanceView> {
    return this.#change(key, { weight });
  }

  async put(key: InstanceKey, changes: PutChanges): Promise<{ created: boolean; instance: InstanceView }> {
    this.calls.push(`put ${formatKey(key)}`);
    const created = !this.exists(key);
    const kept = created ? this.#register(key, 'stopped') : this.#get(key);
    if (changes.env !== undefined) kept.env = { ...changes.env };
    if (changes.weight !== undefined) this.#change(key, { weight: changes.weight });
    if (changes.disabled !== undefined) await this.setDisabled(key, changes.disabled);
    return { created, instance: kept.view };
  }

  env(key: InstanceKey): Readonly<Record<string, string>> {
    return this.#get(key).env;
  }

  async setEnv(key: InstanceKey, name: string, value: string | undefined): Promise<void> {
    const { env } = this.#get(key);
    if (value === undefined) delete env[name];
    else env[name] = value;
  }

  async storage(key: InstanceKey): Promise<{ usedBytes: number; quotaBytes: number | undefined }> {
    this.#get(key);
    return { usedBytes: 250, quotaBytes: 1000 };
  }

  async deploy(service: string, version: string, { weight }: { weight: number }): Promise<InstanceView> {
    const key = { service, id: version };
    this.calls.push(`deploy ${formatKey(key)}`);
    this.#register(key, 'ready');
    return this.#change(key, { weight });
  }

  async route(service: string, from: string, to: string): Promise<{ from: InstanceView; to: InstanceView }> {
    this.calls.push(`route ${service} ${from} ${to}`);
    return {
      from: this.#change({ service, id: from }, { weight: 0 }),
      to: this.#change({ service, id: to }, { weight: 100 }),
    };
  }

  async reload(): Promise<ConfigChange> {
    this.calls.push('reload');
    return {
      ...{ changed: ['notes'], added: [], removed: [], keys: ['service.notes.command'] },
      ...{ listed: [{ service: 'notes', id: 'zoe' }], unlisted: [] },
    };
  }

  #register(key: InstanceKey, state: 'ready' | 'stopped'): Kept {
    this.#known(key.service);
    const old = this.kept.get(formatKey(key));
    const view: InstanceView = {
      ...(old?.view ?? blank(key)),
      ...(state === 'ready' ? running : {}),
    };
    const kept = { view, env: old?.env ?? {} };
    this.kept.set(formatKey(key), kept);
    return kept;
  }

  #change(key: InstanceKey, changes: Partial<InstanceView>): InstanceView {
    const kept = this.#get(key);
    kept.view = { ...kept.view, ...changes };
    return kept.view;
  }

  #get(key: InstanceKey): Kept {
    const kept = this.kept.get(formatKey(key));
    if (kept === undefined) throw new TenementError('not_found', `There is no instance ${formatKey(key)}`);
    return kept;
  }

  #known(service: string): void {
    if (!this.names.includes(service)) throw new TenementError('not_found', `There is no service ${service}`);
  }

  #mayFail(method: keyof Control): void {
    const failure = this.failures.get(method);
    if (failure !== undefined) throw failure;
  }
}

const running = { state: 'ready', health: 'healthy', address: '127.0.0.1:30001', pid: 4242 } as const;

function blank(key: InstanceKey): InstanceView {
  return {
    key,
    state: 'stopped',
    want: 'on-demand',
    health: 'sleeping',
    address: undefined,
    uptimeSecs: undefined,
    idleSecs: undefined,
    restarts: 0,
    weight: 100,
    pid: undefined,
    backend: 'process',
    configured: true,
    memoryBytes: undefined,
    cpuSecs: undefined,
    storageUsedBytes: undefined,
    storageQuotaBytes: undefined,
    inFlight: 0,
    lastProblem: undefined,
  };
}
