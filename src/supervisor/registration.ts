/** When a new instance may come to be. */
import { TenementError } from '../base/errors.js';
import { assertName, formatKey, type InstanceKey, isName, parseKey } from '../base/names.js';
import { dataPathConflict } from '../config/data-paths.js';
import type { Instance } from './instance.js';
import { recordData, refuseOldData } from './instance-data.js';
import type { Supervisor } from './supervisor.js';

interface RegisterOptions {
  readonly adoptData: boolean;
  readonly weight?: number;
}

export class Registration {
  readonly #supervisor: Supervisor;
  /** Registrations under way: two first requests for a label make one instance. */
  readonly #pending = new Map<string, Promise<Instance>>();

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /**
   * The instance, registered if it is new.
   * @throws TenementError not_found (service), invalid (name), not_yet, conflict (paths of another instance), old_data
   */
  ensure(key: InstanceKey, options: RegisterOptions): Promise<Instance> {
    const known = this.#supervisor.find(key);
    if (known !== undefined) return Promise.resolve(known);
    const name = formatKey(key);
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending;
    const made = this.#register(key, options).finally(() => this.#pending.delete(name));
    this.#pending.set(name, made);
    return made;
  }

  /** For `on_demand = "any"`: an unknown label registers itself, up to `max_instances`. @throws unknown_host, old_data ... */
  registerOnDemand(key: InstanceKey): Promise<Instance> {
    if (!isName(key.id)) throw new TenementError('unknown_host');
    // The second request for a label does not count it twice.
    const pending = this.#pending.get(formatKey(key));
    if (pending !== undefined) return pending;
    const { max_instances: most } = this.#supervisor.service(key.service);
    const coming = [...this.#pending.keys()].filter((name) => parseKey(name).service === key.service);
    if (this.#supervisor.members(key.service).length + coming.length >= most) {
      throw new TenementError(
        'unknown_host',
        `${key.service} has its ${most} instances: no label registers itself any more`,
        {
          hint: 'Raise `max_instances` for the service, or remove instances.',
        },
      );
    }
    return this.ensure(key, { adoptData: false });
  }

  async #register(key: InstanceKey, options: RegisterOptions): Promise<Instance> {
    const { config, registry } = this.#supervisor.deps;
    // Throws when there is none.
    this.#supervisor.service(key.service);
    assertName(key.id, 'id');
    const clash = dataPathConflict(config(), key, (other) => registry.get(other) !== undefined);
    if (clash !== undefined) {
      throw new TenementError('conflict', `${formatKey(key)} cannot be registered: ${clash}`, {
        hint: 'Choose another id, or give the service data paths of its own.',
      });
    }
    await refuseOldData(this.#supervisor.deps, key, { adopt: options.adoptData });
    const instance = this.#supervisor.register(key, options.weight);
    recordData(this.#supervisor.deps, key);
    return instance;
  }
}
