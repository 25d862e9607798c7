import type { Stopwatch, Timer } from '../../base/clock.js';
import { TenementError } from '../../base/errors.js';
import type { AcquireOptions, ForwardPolicy, Lease, Target, Upstreams } from '../upstreams.js';
import { Grant } from './grant.js';
import type { FromWorker, PlaneConfig, ToWorker } from './protocol.js';
import { fromWire } from './wire-error.js';

/** How long a grant without a request is kept: long enough for the pauses of a busy client, short beside any idle_timeout. */
const LINGER_MS = 200;
/** How often kept grants are looked at. */
const SWEEP_MS = 50;
/** How long a choice made for a service without `balance` is believed. Changes are told; this bounds what is not. */
const SOLE_MS = 1000;
/** How long choices made ahead are: an instance that has just become ready wants its share. */
const DECK_MS = 200;

interface Waiter {
  readonly target: Target;
  readonly policy: ForwardPolicy;
  resolve(lease: Lease): void;
  reject(error: TenementError): void;
}

interface RemoteUpstreamsOptions {
  readonly send: (message: FromWorker) => void;
  readonly config: () => PlaneConfig;
  readonly clock: Stopwatch;
  /** An instance takes no new requests any more. */
  readonly onRetired: (instance: string) => void;
}

/**
 * The worker's view of the supervisor, which lives in the main thread. Asks it for grants and shares each among the requests for
 * its instance. One message per request that has to wait, so that the supervisor's bounds and the abandoning of waits stay exact.
 */
export class RemoteUpstreams implements Upstreams {
  readonly #send: (message: FromWorker) => void;
  readonly #config: () => PlaneConfig;
  readonly #clock: Stopwatch;
  readonly #onRetired: (instance: string) => void;
  readonly #waiting = new Map<number, Waiter>();
  /** All that were not returned yet. */
  readonly #grants = new Map<number, Grant>();
  /** By instance: on which grant new requests may begin at once. */
  readonly #usable = new Map<string, Grant>();
  /** The only instance of a service without `balance`, by service. */
  readonly #sole = new Map<string, { readonly grant: Grant; readonly until: number }>();
  /** Choices made ahead for services that spread. */
  readonly #decks = new Map<
    string,
    { readonly ids: readonly string[]; next: number; readonly until: number }
  >();
  /** Usable, and without a request. */
  readonly #idle = new Set<Grant>();
  #sweep: Timer | undefined;
  #lastId = 0;

  constructor(options: RemoteUpstreamsOptions) {
    this.#send = options.send;
    this.#config = options.config;
    this.#clock = options.clock;
    this.#onRetired = options.onRetired;
  }

  /** Open requests by instance. */
  inFlight(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { instance, open } of this.#grants.values()) {
      if (open > 0) counts.set(instance, (counts.get(instance) ?? 0) + open);
    }
    return counts;
  }

  policy(service: string): ForwardPolicy | undefined {
    return this.#config().services.get(service)?.forward;
  }

  acquireNow(target: Target, hasBody: boolean): Lease | undefined {
    const service = this.#config().services.get(target.service);
    if (service === undefined) throw new TenementError('unknown_host');
    if (hasBody && service.quota) return undefined;
    const grant = this.#granted(target);
    return grant === undefined ? undefined : this.#take(grant, service.forward);
  }

  async acquire(target: Target, options: AcquireOptions): Promise<Lease> {
    const lease = this.acquireNow(target, options.hasBody);
    if (lease !== undefined) return lease;
    const policy = this.policy(target.service);
    if (policy === undefined) throw new TenementError('unknown_host');
    return this.#ask(target, policy, options);
  }

  /** Messages that concern grants; others are left to the caller. */
  receive(message: ToWorker): void {
    if (message.type === 'grant') this.#onGrant(message);
    else if (message.type === 'redraw') {
      this.#decks.delete(message.service);
      this.#sole.delete(message.service);
    } else if (message.type === 'frozen') {
      this.#onRetired(message.instance);
    } else if (message.type === 'refuse') {
      this.#settle(message.id)?.reject(fromWire(message.error));
    } else if (message.type === 'revoke') {
      const grant = this.#grants.get(message.grant);
      if (grant === undefined) return;
      this.#withdraw(grant);
      this.#onRetired(grant.instance);
    } else if (message.type === 'abort') {
      const grant = this.#grants.get(message.grant);
      if (grant === undefined) return;
      this.#withdraw(grant);
      grant.abort(fromWire(message.error));
    }
  }

  #granted(target: Target): Grant | undefined {
    if (target.kind === 'instance') return this.#usable.get(nameOf(target));
    return this.#sole.has(target.service) ? this.#soleGrant(target.service) : this.#dealt(target.service);
  }

  /** The instance whose turn it is by the choices made ahead, unless it is not granted any more. */
  #dealt(service: string): Grant | undefined {
    const deck = this.#decks.get(service);
    const id = deck?.ids[deck.next];
    if (deck === undefined || id === undefined || this.#clock.monotonic() >= deck.until) return undefined;
    deck.next += 1;
    const grant = this.#usable.get(`${service}:${id}`);
    // The main thread chooses anew then; to deal on would leave that instance out.
    if (grant === undefined) this.#decks.delete(service);
    return grant;
  }

  #soleGrant(service: string): Grant | undefined {
    const sole = this.#sole.get(service);
    if (sole === undefined) return undefined;
    if (!sole.grant.revoked && this.#grants.has(sole.grant.id) && this.#clock.monotonic() < sole.until)
      return sole.grant;
    this.#sole.delete(service);
    return undefined;
  }

  #ask(target: Target, policy: ForwardPolicy, { signal, hasBody }: AcquireOptions): Promise<Lease> {
    if (signal.aborted) return Promise.reject(gone());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        if (this.#settle(id) === undefined) return;
        this.#send({ type: 'abandon', id });
        reject(gone());
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const settled = () => signal.removeEventListener('abort', onAbort);
      this.#waiting.set(id, {
        target,
        policy,
        resolve: (lease) => {
          settled();
          resolve(lease);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      this.#send({ type: 'acquire', id, target, hasBody });
    });
  }

  #settle(id: number): Waiter | undefined {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiter;
  }

  #onGrant(message: Extract<ToWorker, { type: 'grant' }>): void {
    const { grant: id, instance, address } = message;
    const waiter = this.#settle(message.id);
    const usable = this.#usable.get(instance);
    // The client left, or another wait was answered first: both grants are of the same life of the instance, since the older one
    // would have been revoked before this one came. The newer one goes back.
    if (waiter === undefined || usable !== undefined) {
      this.#send({ type: 'return', grant: id, idleSince: this.#clock.monotonic() });
    }
    if (waiter === undefined) return;
    const grant = usable ?? this.#keep(id, instance, address);
    const lease = this.#take(grant, waiter.policy);
    if (waiter.target.kind === 'service') this.#remember(waiter.target.service, grant, message.deck);
    waiter.resolve(lease);
  }

  #remember(service: string, grant: Grant, deck: readonly string[] | undefined): void {
    const now = this.#clock.monotonic();
    if (deck !== undefined) this.#decks.set(service, { ids: deck, next: 0, until: now + DECK_MS });
    else if (this.#config().table.services.get(service)?.balance === false)
      this.#sole.set(service, { grant, until: now + SOLE_MS });
  }

  #keep(id: number, instance: string, address: Grant['address']): Grant {
    const grant = new Grant({ id, instance, address }, this.#clock, {
      onIdle: (idle) => this.#onIdle(idle),
      onSuspect: (suspected) => {
        this.#withdraw(suspected);
        this.#send({ type: 'suspect', grant: suspected.id });
      },
    });
    this.#grants.set(id, grant);
    this.#usable.set(instance, grant);
    return grant;
  }

  #take(grant: Grant, policy: ForwardPolicy): Lease {
    if (grant.open === 0) this.#idle.delete(grant);
    return grant.take(policy);
  }

  #onIdle(grant: Grant): void {
    if (grant.revoked) {
      this.#return(grant);
      return;
    }
    this.#idle.add(grant);
    this.#sweep ??= this.#clock.after(SWEEP_MS, () => this.#onSweep());
  }

  #onSweep(): void {
    this.#sweep = undefined;
    const before = this.#clock.monotonic() - LINGER_MS;
    for (const grant of this.#idle) {
      if (grant.idleSince <= before) this.#return(grant);
    }
    if (this.#idle.size > 0) this.#sweep = this.#clock.after(SWEEP_MS, () => this.#onSweep());
  }

  /** No new requests on it; returned at once when none is open, since a drain waits for that. */
  #withdraw(grant: Grant): void {
    grant.revoke();
    if (this.#usable.get(grant.instance) === grant) this.#usable.delete(grant.instance);
    if (this.#idle.has(grant)) this.#return(grant);
  }

  #return(grant: Grant): void {
    this.#idle.delete(grant);
    this.#grants.delete(grant.id);
    if (this.#usable.get(grant.instance) === grant) this.#usable.delete(grant.instance);
    this.#send({ type: 'return', grant: grant.id, idleSince: grant.idleSince });
  }
}

/** Routing gives the same target again and again, and a string that was made before is found faster. */
const names = new WeakMap<Target, string>();

function nameOf(target: Extract<Target, { kind: 'instance' }>): string {
  let name = names.get(target);
  if (name === undefined) {
    name = `${target.service}:${target.id}`;
    names.set(target, name);
  }
  return name;
}

/** Nobody sees it: the client has gone. */
function gone(): TenementError {
  return new TenementError('stopped', 'The client left while its request waited');
}
