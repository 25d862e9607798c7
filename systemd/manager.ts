/** What tenement asks of systemd's manager (org.freedesktop.systemd1(5)): transient units, their properties, and news of them. */
import { EventEmitter } from 'node:events';
import dbus from 'dbus-next';
import { TenementError } from '../src/base/errors.js';
import type { Signal } from './bus.js';
import { MANAGER, ManagerConnection, PROPERTIES, ROOT, SYSTEMD } from './connection.js';
import { unitPath } from './unit-name.js';

/** `[name, signature, value]`, such as `['MemoryMax', 't', 268435456n]`; 64-bit numbers are bigint. */
export type Property = readonly [name: string, signature: string, value: unknown];

export type PropertyValues = Readonly<Record<string, unknown>>;

/** A unit that is made along with another one. */
export type Auxiliary = readonly [unit: string, properties: readonly Property[]];

/** A unit changed, or is gone from memory. `resync`: signals may have been missed, so look again. */
export interface UnitNews {
  readonly unit: string;
  readonly kind: 'changed' | 'removed' | 'resync';
  /** What systemd has told along with it: of `changed`, and only some properties. What is asked for afterwards may be of a later run. */
  readonly values?: PropertyValues;
}

const FORGET_MS = 5000;

/**
 * Connects when it is first asked, and again after the bus has gone. Emits `news` (UnitNews) while connected; after a reconnection a `resync` for
 * every unit that is watched.
 */
export class SystemdManager extends EventEmitter<{ news: [UnitNews] }> {
  readonly #connection: ManagerConnection;
  /** By path of the unit's object. */
  readonly #watched = new Map<string, { readonly unit: string; count: number }>();

  /** `socket`: path of the bus, as busSocket finds it. */
  constructor(socket: string) {
    super();
    // One for each unit is normal.
    this.setMaxListeners(0);
    this.#connection = new ManagerConnection(socket);
    this.#connection.on('signal', (signal) => this.#onSignal(signal));
    this.#connection.on('back', () => this.#resync());
  }

  /**
   * Starts a unit that exists only until it ends, and makes those that belong to it. Resolves when systemd has started it.
   * @throws TenementError `systemd_failed` with what systemd says
   */
  async startTransient(
    unit: string,
    properties: readonly Property[],
    auxiliaries: readonly Auxiliary[] = [],
  ): Promise<void> {
    const others = auxiliaries.map(([name, its]) => [name, variants(its)]);
    const body = [unit, 'fail', variants(properties), others];
    const result = await this.#connection.job(unit, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', body);
    if (result !== 'done') throw failed('start', unit, result);
  }

  /** Starts a unit that systemd has loaded. @throws TenementError `systemd_failed` */
  async start(unit: string): Promise<void> {
    const start = () => this.#connection.job(unit, 'StartUnit', 'ss', [unit, 'fail']);
    const result = await this.#connection.persist(start);
    if (result !== 'done') throw failed('start', unit, result);
  }

  /** Resolves when it is stopped; nothing is done when there is no such unit. @throws TenementError `systemd_failed` */
  async stop(unit: string): Promise<void> {
    const stop = () => this.#connection.job(unit, 'StopUnit', 'ss', [unit, 'replace']);
    const result = await unless(NO_UNIT, this.#connection.persist(stop));
    if (result !== undefined && result !== 'done') throw failed('stop', unit, result);
  }

  /** Whether there was anything to signal. */
  async kill(unit: string, whom: 'main' | 'all', signal: number): Promise<boolean> {
    return (await unless(NO_PROCESS, this.#manager('KillUnit', 'ssi', [unit, whom, signal]))) !== undefined;
  }

  async freeze(unit: string): Promise<void> {
    await this.#manager('FreezeUnit', 's', [unit]);
  }

  async thaw(unit: string): Promise<void> {
    await unless(NO_PROCESS, this.#manager('ThawUnit', 's', [unit]));
  }

  /** Until the next boot or stop. */
  async setProperties(unit: string, properties: readonly Property[]): Promise<void> {
    await this.#manager('SetUnitProperties', 'sba(sv)', [unit, true, variants(properties)]);
  }

  /** Forgets that it failed. */
  async resetFailed(unit: string): Promise<void> {
    await unless(NO_UNIT, this.#manager('ResetFailedUnit', 's', [unit]));
  }

  /** Keeps what is known of an ended unit readable until `unref`, or until this connection ends. */
  async ref(unit: string): Promise<boolean> {
    return (await unless(NO_UNIT, this.#manager('RefUnit', 's', [unit]))) !== undefined;
  }

  /** Whether there was a reference. */
  async unref(unit: string): Promise<boolean> {
    return (await unless(NO_PROCESS, this.#manager('UnrefUnit', 's', [unit]))) !== undefined;
  }

  /** Lets go of a unit that is over, so that its name is free. @throws TenementError `systemd_failed` when it stays */
  async forget(unit: string): Promise<void> {
    // Each adoption and each reconnection has made one.
    while (await this.unref(unit));
    await this.resetFailed(unit);
    // systemd collects such units when it has nothing else to do.
    for (let waited = 0; waited < FORGET_MS; waited += 5) {
      if (!(await this.list([globEscape(unit)])).includes(unit)) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new TenementError('systemd_failed', `systemd keeps the unit ${unit}, which is over`, {
      hint: `Something else refers to it: \`systemctl show '${unit}'\` says what.`,
    });
  }

  /** Properties of the unit's general part and of `kind`; undefined when systemd does not know the unit. */
  async properties(unit: string, kind: 'Service' | 'Socket' | 'Slice'): Promise<PropertyValues | undefined> {
    const path = unitPath(unit);
    const all = await Promise.all(
      ['Unit', kind].map((name) =>
        unless(
          NO_UNIT,
          this.#connection.ask({
            path,
            interface: PROPERTIES,
            member: 'GetAll',
            signature: 's',
            body: [`${SYSTEMD}.${name}`],
          }),
        ),
      ),
    );
    const [general, special] = all.map((body) => body?.[0]);
    const values = plain(general, plain(special) ?? dictionary());
    return values === undefined || values.LoadState === 'not-found' ? undefined : values;
  }

  /** Names of the loaded units that match one of the patterns (fnmatch(3)). */
  async list(patterns: readonly string[]): Promise<string[]> {
    const [rows] = await this.#manager('ListUnitsByPatterns', 'asas', [[], [...patterns]]);
    return (rows as unknown[][]).map((row) => String(row[0]));
  }

  /** Such as `252.39-1~deb12u2`. */
  async version(): Promise<string> {
    const [value] = await this.#connection.ask({
      path: ROOT,
      interface: PROPERTIES,
      member: 'Get',
      signature: 'ss',
      body: [MANAGER, 'Version'],
    });
    return String((value as dbus.Variant).value);
  }

  /** News of this unit are told from now on, and the program keeps running for them. Returns how to end that. */
  watch(unit: string, listener: (news: UnitNews) => void): () => void {
    const path = unitPath(unit);
    const watched = this.#watched.get(path) ?? { unit, count: 0 };
    watched.count += 1;
    this.#watched.set(path, watched);
    this.#connection.need(true);
    const only = (news: UnitNews) => {
      if (news.unit === unit) listener(news);
    };
    this.on('news', only);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.off('news', only);
      watched.count -= 1;
      if (watched.count === 0) this.#watched.delete(path);
      this.#connection.need(this.#watched.size > 0);
    };
  }

  close(): void {
    this.#connection.close();
  }

  #manager(member: string, signature: string, body: readonly unknown[]): Promise<readonly unknown[]> {
    return this.#connection.ask({ path: ROOT, interface: MANAGER, member, signature, body });
  }

  #resync(): void {
    for (const { unit } of this.#watched.values()) {
      // References went with the old connection; without one nobody could read how it ended.
      this.ref(unit).catch(() => undefined);
      this.emit('news', { unit, kind: 'resync' });
    }
  }

  #onSignal({ interface: from, member, path, body }: Signal): void {
    if (from === MANAGER && member === 'UnitRemoved') {
      this.emit('news', { unit: String(body[0]), kind: 'removed' });
    } else if (from === PROPERTIES) {
      const unit = this.#watched.get(path)?.unit;
      if (unit !== undefined) this.emit('news', { unit, kind: 'changed', values: plain(body[1]) ?? {} });
    }
  }
}

const NO_UNIT = ['NoSuchUnit', 'UnknownObject'];
const NO_PROCESS = ['NoSuchUnit', 'UnitInactive', 'NoSuchProcess', 'NotReferenced'];

/** Undefined when it failed for one of these reasons, all of which mean that there is nothing to do. */
async function unless<T>(reasons: readonly string[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const name = error instanceof TenementError ? error.details.name : undefined;
    if (typeof name === 'string' && reasons.includes(name)) return undefined;
    throw error;
  }
}

function failed(what: 'start' | 'stop', unit: string, result: string): TenementError {
  return new TenementError('systemd_failed', `systemd could not ${what} ${unit}: ${result}`, {
    hint: `\`journalctl -u '${unit}'\` says why.`,
  });
}

function variants(properties: readonly Property[]): [string, dbus.Variant][] {
  return properties.map(([name, signature, value]) => [name, new dbus.Variant(signature, value)]);
}

/** Names have backslashes, which fnmatch(3) takes as quoting. */
function globEscape(unit: string): string {
  return unit.replace(/[\\*?[]/g, '\\$&');
}

/**
 * Without a prototype, which V8 takes for a hash table. Of an object that is spread or built from entries it works out the shape, anew for
 * each mixture of kinds of values: for the hundreds of properties of a unit that takes 20 ms, a hundred times as long.
 */
function dictionary(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

/** Adds them to `into`; undefined when there are none. */
function plain(values: unknown, into = dictionary()): Record<string, unknown> | undefined {
  if (typeof values !== 'object' || values === null) return undefined;
  for (const [name, { value }] of Object.entries(values as Record<string, dbus.Variant>)) into[name] = value;
  return into;
}
