/** Disk quotas: measured off the event loop, a warning at 80 %, and at 100 % requests with a body are refused. */
import type { Stopwatch, Timer } from '../base/clock.js';
import { TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { formatSize } from '../base/units.js';

const WARN_AT = 0.8;
/** How often an awake instance with a quota is measured. */
const PERIOD_MS = 30_000;

export interface QuotaDeps {
  readonly clock: Stopwatch;
  /** Bytes on disk of the instance's directories. */
  readonly measure: (key: InstanceKey) => Promise<number>;
  /** Bytes; undefined: unlimited. */
  readonly quota: (key: InstanceKey) => number | undefined;
  /** Instances that run and may therefore write. */
  readonly awake: () => Iterable<InstanceKey>;
  readonly warn: (key: InstanceKey, message: string) => void;
}

export class Quotas {
  readonly #deps: QuotaDeps;
  readonly #used = new Map<string, number>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(deps: QuotaDeps) {
    this.#deps = deps;
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** @throws TenementError quota_exceeded, by the last measurement. While it lasts each refusal has a new one made, so that a clean-up shows soon. */
  check(key: InstanceKey): void {
    const quota = this.#deps.quota(key);
    const used = this.#used.get(formatKey(key));
    if (quota === undefined || used === undefined || used < quota) return;
    void this.measure(key).catch(() => {});
    throw new TenementError(
      'quota_exceeded',
      `${formatKey(key)} uses ${formatSize(used)} of ${formatSize(quota)}`,
    );
  }

  /** Measures now. Bytes. */
  async measure(key: InstanceKey): Promise<number> {
    const used = await this.#deps.measure(key);
    const name = formatKey(key);
    const before = this.#used.get(name) ?? 0;
    const quota = this.#deps.quota(key);
    this.#used.set(name, used);
    for (const share of [1, WARN_AT]) {
      if (quota !== undefined && used >= quota * share && before < quota * share) {
        this.#deps.warn(
          key,
          `${formatSize(used)} of the disk quota of ${formatSize(quota)} is used (${share * 100} % reached)`,
        );
        break;
      }
    }
    return used;
  }

  /** The quota itself, bytes; undefined: unlimited. */
  limit(key: InstanceKey): number | undefined {
    return this.#deps.quota(key);
  }

  /** The last measurement, bytes. */
  used(key: InstanceKey): number | undefined {
    return this.#used.get(formatKey(key));
  }

  forget(key: InstanceKey): void {
    this.#used.delete(formatKey(key));
  }

  #schedule(): void {
    // A round under way at the close must not set the next one.
    if (this.#closed) return;
    this.#timer = this.#deps.clock.after(PERIOD_MS, () => void this.#round());
  }

  async #round(): Promise<void> {
    for (const key of this.#deps.awake()) {
      if (this.#deps.quota(key) === undefined) continue;
      // A directory that vanishes while it is measured is no reason to stop measuring the others.
      await this.measure(key).catch(() => {});
    }
    this.#schedule();
  }
}
