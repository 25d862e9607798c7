import { setMaxListeners } from 'node:events';
import type { Stopwatch } from '../../base/clock.js';
import type { TenementError } from '../../base/errors.js';
import type { ForwardPolicy, Lease, UpstreamAddress } from '../upstreams.js';

/** What a grant tells whoever keeps it. */
export interface GrantEvents {
  /** Its last request has ended. */
  onIdle(grant: Grant): void;
  /** A connection to the instance broke; told once. */
  onSuspect(grant: Grant): void;
}

/** The worker's end of one real lease: any number of requests on one ready instance. */
export class Grant {
  readonly id: number;
  readonly instance: string;
  readonly address: UpstreamAddress;
  /** Requests open on it. */
  open = 0;
  /** When the last of them ended (monotonic). */
  idleSince: number;
  /** Nothing new may begin on it. */
  revoked = false;
  readonly #closing = new AbortController();
  readonly #retiring = new AbortController();
  readonly #clock: Stopwatch;
  readonly #events: GrantEvents;

  constructor(
    of: { id: number; instance: string; address: UpstreamAddress },
    clock: Stopwatch,
    events: GrantEvents,
  ) {
    this.id = of.id;
    this.instance = of.instance;
    this.address = of.address;
    this.idleSince = clock.monotonic();
    this.#clock = clock;
    this.#events = events;
    // One listener for each open request is normal here, not a leak.
    setMaxListeners(0, this.#closing.signal, this.#retiring.signal);
  }

  take(policy: ForwardPolicy): Lease {
    this.open += 1;
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.open -= 1;
      if (this.open > 0) return;
      this.idleSince = this.#clock.monotonic();
      this.#events.onIdle(this);
    };
    return {
      instance: this.instance,
      address: this.address,
      policy,
      closing: this.#closing.signal,
      retiring: this.#retiring.signal,
      suspect: () => {
        // Told before the lease ends: the grant may be returned with it.
        if (held && !this.revoked) {
          this.revoke();
          this.#events.onSuspect(this);
        }
        release();
      },
      release,
    };
  }

  revoke(): void {
    if (this.revoked) return;
    this.revoked = true;
    this.#retiring.abort();
  }

  abort(why: TenementError): void {
    this.revoke();
    this.#closing.abort(why);
  }
}
