/** What users of instances may reach on loopback. A named user may have several instances: then each of them may what any of them may. */
import type { AllowedAddress } from '../contract.js';
import type { Firewall } from './firewall.js';
import { loopbackEntry } from './rules.js';

/** One run of an instance. */
export interface Guarded {
  readonly run: string;
  readonly uid: number;
  /** Where it listens. */
  readonly port: number | undefined;
  readonly allowed: readonly AllowedAddress[];
}

export class GuardedUsers {
  readonly #firewall: Firewall;
  readonly #byUid = new Map<number, Map<string, Guarded>>();

  constructor(firewall: Firewall) {
    this.#firewall = firewall;
  }

  /** Resolves when nothing else can be reached any more. Rejects as Firewall.put. */
  async guard(guarded: Guarded): Promise<void> {
    const runs = this.#byUid.get(guarded.uid) ?? new Map<string, Guarded>();
    this.#byUid.set(guarded.uid, runs);
    runs.set(guarded.run, guarded);
    try {
      await this.#firewall.put(this.#entryOf(guarded.uid));
    } catch (error) {
      this.#forget(guarded);
      throw error;
    }
  }

  /** Once nothing of the run lives. */
  async release({ run, uid }: Pick<Guarded, 'run' | 'uid'>): Promise<void> {
    this.#forget({ run, uid });
    if (this.#byUid.has(uid)) return this.#firewall.put(this.#entryOf(uid));
    // Whoever else runs as a named user (nginx as www-data) is no instance, and is let be as soon as none of ours runs.
    await this.#firewall.drop(this.#entryOf(uid));
  }

  #forget({ run, uid }: Pick<Guarded, 'run' | 'uid'>): void {
    const runs = this.#byUid.get(uid);
    runs?.delete(run);
    if (runs?.size === 0) this.#byUid.delete(uid);
  }

  #entryOf(uid: number) {
    const runs = [...(this.#byUid.get(uid)?.values() ?? [])];
    const ports = runs.flatMap(({ port }) => port ?? []);
    return loopbackEntry(
      uid,
      [...new Set(ports)],
      runs.flatMap(({ allowed }) => allowed),
    );
  }
}
