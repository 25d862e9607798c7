import { asTenementError } from '../../base/errors.js';
import type { Lease, Target, Upstreams } from '../upstreams.js';
import type { FromWorker, ToWorker } from './protocol.js';
import { toWire } from './wire-error.js';

/** Choices given ahead for a service that spreads: asking for each one costs twice what all the rest of a request does. */
const DECK = 64;

interface Held {
  readonly lease: Lease;
  /** Stops listening to the lease's signals. */
  forget(): void;
}

/** The main thread's end of the grants of ONE worker: holds a real lease for each, and gives all back when the worker dies. */
export class UpstreamsServer {
  readonly #upstreams: Upstreams;
  readonly #send: (message: ToWorker) => void;
  /** Waits under way, by the worker's id of the question. */
  readonly #waiting = new Map<number, AbortController>();
  readonly #held = new Map<number, Held>();
  #lastGrant = 0;
  #closed = false;

  constructor(upstreams: Upstreams, send: (message: ToWorker) => void) {
    this.#upstreams = upstreams;
    this.#send = send;
  }

  /** Leases held and waits under way. */
  get size(): number {
    return this.#held.size + this.#waiting.size;
  }

  /** Messages that concern grants; others are left to the caller. */
  receive(message: FromWorker): void {
    if (message.type === 'acquire') void this.#acquire(message.id, message.target, message.hasBody);
    else if (message.type === 'abandon') {
      this.#waiting.get(message.id)?.abort();
    } else if (message.type === 'return') {
      const held = this.#held.get(message.grant);
      if (held === undefined) return;
      this.#held.delete(message.grant);
      held.forget();
      held.lease.release(message.idleSince);
    } else if (message.type === 'suspect') {
      const lease = this.#held.get(message.grant)?.lease;
      if (lease?.doubt !== undefined) lease.doubt();
      else lease?.suspect();
    }
  }

  /** The worker is gone, and with it every connection: nothing of it counts as activity any more. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.values()) waiting.abort();
    for (const { lease, forget } of this.#held.values()) {
      forget();
      lease.release();
    }
    this.#held.clear();
  }

  async #acquire(id: number, target: Target, hasBody: boolean): Promise<void> {
    const waiting = new AbortController();
    this.#waiting.set(id, waiting);
    try {
      const lease = await this.#upstreams.acquire(target, { signal: waiting.signal, hasBody });
      // The wait and the worker may have ended together.
      if (this.#closed) lease.release();
      else this.#grant(id, lease, target);
    } catch (error) {
      // Nobody listens for the answer to a question that was withdrawn.
      if (!waiting.signal.aborted) this.#send({ type: 'refuse', id, error: toWire(asTenementError(error)) });
    } finally {
      this.#waiting.delete(id);
    }
  }

  #grant(id: number, lease: Lease, target: Target): void {
    this.#lastGrant += 1;
    const grant = this.#lastGrant;
    const onRetiring = () => this.#send({ type: 'revoke', grant });
    const onClosing = () =>
      this.#send({ type: 'abort', grant, error: toWire(asTenementError(lease.closing.reason)) });
    lease.retiring?.addEventListener('abort', onRetiring);
    lease.closing.addEventListener('abort', onClosing);
    this.#held.set(grant, {
      lease,
      forget: () => {
        lease.retiring?.removeEventListener('abort', onRetiring);
        lease.closing.removeEventListener('abort', onClosing);
      },
    });
    const { instance, address } = lease;
    const deck = target.kind === 'service' ? (this.#upstreams.draw?.(target.service, DECK) ?? []) : [];
    this.#send({ type: 'grant', id, grant, instance, address, ...(deck.length > 0 ? { deck } : {}) });
    // It may have happened between the lease and its listeners; and a lease that can't retire is for one request only.
    if (lease.retiring === undefined || lease.retiring.aborted) onRetiring();
    if (lease.closing.aborted) onClosing();
  }
}
