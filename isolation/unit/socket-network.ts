/**
 * The rules of the firewall for instances that systemd listens for. They belong to what listens, whichever run there is of it: they are there before
 * the first connection starts anything, and go with the socket.
 */
import { withNetwork } from '../contained.js';
import type { Host, Ref, Spec } from '../contract.js';
import { type PreparedNetwork, releaseNetwork, retakeNetwork } from '../network/network.js';

/** `app` is the unit's name everywhere. */
export class SocketNetworks {
  readonly #host: Host;
  /** What is known to have rules, also when its plan has got lost. */
  readonly #held = new Map<string, Ref>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** As withNetwork. */
  prepare<T>(app: string, spec: Spec, start: (network: Promise<PreparedNetwork>) => Promise<T>): Promise<T> {
    return withNetwork({ ...spec, run: app }, this.#host, start);
  }

  /** Of what is prepared; so that it is known though its plan may get lost. */
  keep(app: string, ref: Ref): void {
    this.#held.set(app, ref);
  }

  of(app: string): Ref | undefined {
    return this.#held.get(app);
  }

  /** Never rejects: the rules are there already, unless somebody has flushed all. */
  async retake(app: string, ref: Ref): Promise<void> {
    this.keep(app, ref);
    await retakeNetwork({ ...ref, run: app }, this.#host).catch(() => undefined);
  }

  /** `ref`: as it was planned. Never rejects: rules for what does not run do no harm. */
  async release(app: string, ref: Ref | undefined): Promise<void> {
    const known = ref ?? this.#held.get(app);
    this.#held.delete(app);
    if (known !== undefined) await releaseNetwork({ ...known, run: app }, this.#host).catch(() => undefined);
  }
}
