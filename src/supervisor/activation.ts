/**
 * Instances that systemd starts with the first connection to their socket, behind our back or while we were not there. What runs is taken over;
 * what shall be reachable is listened for; a stop that is to last ends the listening first.
 */
import type { Backend, BackendId, InstanceName, Sockets, Standing } from '../../isolation/contract.js';
import { eachAtOnce } from '../base/at-once.js';
import { isAway, TenementError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { Config } from '../config/schema.js';
import type { Logs } from '../logs/types.js';
import type { Registry } from '../state/types.js';
import type { Want } from './control.js';
import type { Launcher } from './launcher.js';
import { mayBeOutdated } from './outdated.js';
import type { Ports } from './ports.js';
import type { Supervisor } from './supervisor.js';

interface ActivationDeps {
  readonly supervisor: Supervisor;
  readonly backends: ReadonlyMap<BackendId, Backend>;
  readonly registry: Registry;
  readonly launcher: Launcher;
  readonly ports: Ports;
  readonly logs: Logs;
  readonly config: () => Config;
  readonly log: Log;
}

const BACKEND = 'socket-activation';
/** Visitors wait until all are looked at, and most of that is waiting for systemd. */
const LOOKS_AT_ONCE = 16;

export class Activation {
  readonly #deps: ActivationDeps;
  readonly #sockets: Sockets | undefined;
  readonly #watches = new Map<string, () => void>();
  /** Those of which systemd could not be asked; with the port that is kept. */
  readonly #unasked = new Map<string, number | undefined>();
  #detached = false;
  /** To be closed when they are stopped; with the port that is free then. */
  readonly #shut = new Map<string, number | undefined>();

  constructor(deps: ActivationDeps) {
    this.#deps = deps;
    this.#sockets = deps.backends.get(BACKEND)?.sockets;
  }

  /**
   * What was listened for before we came: watched, and taken over where it runs. Before anybody is served; and again when the message bus, which was
   * away, is back.
   */
  async takeOver(): Promise<void> {
    await eachAtOnce(this.#deps.registry.all(), LOOKS_AT_ONCE, async ({ service, id }) => {
      const key = { service, id };
      if (this.#watches.has(formatKey(key))) return;
      // A failure of this ends the start: its port, not being known, could be given to somebody else.
      const known = await this.#known(key);
      if (known === undefined) return;
      if (known.forwardTo !== undefined) this.#deps.ports.reserve(known.forwardTo);
      // What is not to be started by connections any more runs until its end in order, not until something else takes its place.
      if (this.#isOurs(key)) this.watch(key);
      // A failure of this is one's own: the next start finds what runs.
      await this.#adopt(key).catch((error: unknown) => this.#notTakenOver(key, error));
    });
  }

  /** As the sockets know it. While systemd cannot be asked: nothing, and its port is kept. */
  async #known(key: InstanceKey): Promise<Standing | undefined> {
    const instance = formatKey(key);
    const kept = this.#unasked.get(instance);
    try {
      const known = await this.#sockets?.known(nameOf(key));
      this.#unasked.delete(instance);
      if (known === undefined && kept !== undefined) this.#deps.ports.release(kept);
      return known;
    } catch (error) {
      if (!isAway(error)) throw error;
      const port = await this.#sockets?.port(nameOf(key));
      if (port !== undefined) this.#deps.ports.reserve(port);
      this.#unasked.set(instance, port);
      return undefined;
    }
  }

  /**
   * After a boot of the machine nobody listens: has it done again. So is what is listened for with settings that were changed while no server ran.
   * Failures are logged.
   */
  restore(): Promise<void> {
    const { supervisor } = this.#deps;
    return this.#listenAtRest((key) => !this.#watches.has(formatKey(key)) || mayBeOutdated(supervisor, key));
  }

  /** Has instances of changed services that are at rest listened for as they are to be started now. Failures are logged. */
  renew(services: readonly string[]): Promise<void> {
    return this.#listenAtRest(({ service }) => services.includes(service));
  }

  /** One after the other. */
  async #listenAtRest(isMeant: (key: InstanceKey) => boolean): Promise<void> {
    for (const { service, id, want } of this.#deps.registry.all()) {
      const key = { service, id };
      if (!isMeant(key) || !this.#mayListen(key, want)) continue;
      const instance = this.#deps.supervisor.find(key);
      // Others are being started, which has it listened for as well. Whoever asks for it from now on waits, or both would write the same files.
      if (instance?.state === 'stopped') await instance.whileDown(() => this.#listen(key));
    }
  }

  /** Has one listened for again that was stopped, and that the next connection may wake. For `whileDown`; failures are logged. */
  async reopen(key: InstanceKey): Promise<void> {
    if (!this.#detached && this.#mayListen(key, this.#deps.registry.get(key)?.want)) await this.#listen(key);
  }

  #mayListen(key: InstanceKey, want: Want | undefined): boolean {
    return this.#isOurs(key) && (want === 'up' || want === 'on-demand');
  }

  async #listen(key: InstanceKey): Promise<void> {
    try {
      await this.#deps.launcher.listen(key);
    } catch (error) {
      const [instance, what] = [formatKey(key), 'its socket could not be made'];
      // Told once for all; made up for when the bus is back.
      if (isAway(error)) this.#deps.log.debug({ instance }, `${what}: ${error.message}`);
      else this.#deps.log.warn({ err: error, instance }, what);
    }
  }

  /**
   * Ends the listening for what is not of this backend any more, after a change of the config: else a connection starts what was configured before,
   * beside what runs now. For what runs it ends before the next start.
   */
  async leave(): Promise<void> {
    for (const row of this.#deps.registry.all()) {
      const key = { service: row.service, id: row.id };
      if (this.#isOurs(key)) continue;
      const name = formatKey(key);
      const known = await this.#known(key);
      if (known === undefined) continue;
      this.#watches.get(name)?.();
      this.#watches.delete(name);
      // One that runs is reached by it until then; but nobody is to start what belongs to no service any more.
      this.#shut.set(name, known.forwardTo);
      if (this.#deps.config().service[row.service] === undefined) await this.#sockets?.shut(nameOf(key));
      // What is not at rest closes it itself, before its next start or when it has come to rest.
      const instance = this.#deps.supervisor.find(key);
      if (instance?.state === 'stopped') await instance.whileDown(() => this.close(key));
    }
  }

  /** Notices from now on when a connection starts it. Idempotent. */
  watch(key: InstanceKey): void {
    const instance = formatKey(key);
    if (this.#sockets === undefined || this.#watches.has(instance)) return;
    this.#watches.set(
      instance,
      this.#sockets.watch(nameOf(key), () => this.look(key)),
    );
  }

  /**
   * It is at rest by what we know. What was only kept until then ends now. What runs all the same was started by a connection that came while it was
   * being stopped, or that its last run had not taken.
   */
  look(key: InstanceKey): void {
    const instance = formatKey(key);
    if (this.#detached) return;
    if (this.#shut.has(instance)) this.#closeAtRest(key);
    const live = this.#deps.supervisor.live(key);
    if (!this.#watches.has(instance)) return;
    const look = () => (live?.state === 'failed' ? this.#quell(key) : this.#adopt(key));
    // What is left of a start that failed ends first.
    const hasFailed = live?.state === 'backoff' || live?.state === 'failed';
    const looked = hasFailed ? live.whileDown(look) : look();
    looked.catch((error: unknown) => this.#notTakenOver(key, error));
  }

  /**
   * It has died too often, and connections that no app has taken start it again and again: they end. Who comes from now on starts it once, which ends
   * like this.
   */
  async #quell(key: InstanceKey): Promise<void> {
    const handle = await this.#sockets?.running(nameOf(key));
    if (handle === undefined) return;
    handle.detach();
    await this.#sockets?.close(nameOf(key), { graceMs: 0 });
    await this.reopen(key);
  }

  #closeAtRest(key: InstanceKey): void {
    const instance = this.#deps.supervisor.live(key);
    instance
      ?.whileDown(() => this.close(key))
      .catch((error: unknown) =>
        this.#deps.log.error({ err: error, instance: formatKey(key) }, 'its socket could not be closed'),
      );
  }

  #notTakenOver(key: InstanceKey, error: unknown): void {
    const instance = formatKey(key);
    this.#deps.log.error({ err: error, instance }, 'what a connection has started could not be taken over');
  }

  /** No connection starts it any more; what runs, runs on. For what is about to be stopped for longer. Nothing is done for other instances. */
  async shut(key: InstanceKey): Promise<void> {
    const instance = formatKey(key);
    if (this.#unasked.has(instance)) await this.#askNow(key);
    const end = this.#watches.get(instance);
    if (end === undefined || this.#sockets === undefined) return;
    this.#watches.delete(instance);
    end();
    this.#shut.set(instance, (await this.#sockets.known(nameOf(key)))?.forwardTo);
    await this.#sockets.shut(nameOf(key));
  }

  /** What ends the listening has to know of it. @throws TenementError systemd_away */
  async #askNow(key: InstanceKey): Promise<void> {
    if ((await this.#known(key)) !== undefined) this.watch(key);
    else if (this.#unasked.has(formatKey(key))) throw new TenementError('systemd_away');
  }

  /** Takes away what `shut` has left, once the instance is stopped. Idempotent. */
  async close(key: InstanceKey): Promise<void> {
    const instance = formatKey(key);
    if (this.#sockets === undefined || !this.#shut.has(instance)) return;
    const port = this.#shut.get(instance);
    this.#shut.delete(instance);
    await this.#sockets.close(nameOf(key), { graceMs: 0 });
    if (port !== undefined) this.#deps.ports.release(port);
  }

  /** Ends the watching and the taking over; the sockets stay, and what they start from now on is the next server's. */
  detach(): void {
    this.#detached = true;
    for (const end of this.#watches.values()) end();
    this.#watches.clear();
  }

  #isOurs({ service }: InstanceKey): boolean {
    return this.#deps.config().service[service]?.isolation === BACKEND;
  }

  async #adopt(key: InstanceKey): Promise<void> {
    const { supervisor, registry, logs, log } = this.#deps;
    const instance = supervisor.find(key);
    // In other states a start or stop is under way, or was decided on: the next start finds what runs.
    const isMeant = () => !this.#detached && (instance?.state === 'stopped' || instance?.state === 'backoff');
    if (instance === undefined || !isMeant()) return;
    const handle = await this.#sockets?.running(nameOf(key));
    if (handle === undefined) return;
    if (!isMeant()) return handle.detach();
    registry.saveRef(key, handle.ref);
    logs.open(key);
    instance.adopt(handle, false);
    log.info({ instance: formatKey(key), pid: handle.ref.pid }, 'took over what a connection has started');
  }
}

function nameOf({ service, id }: InstanceKey): InstanceName {
  return { service, tenant: id };
}
