/**
 * One instance: a mailbox around the pure state machine. All that happens to it is an event; events are applied one after the
 * other, and only here is its state written. Callers ask for outcomes and never branch on a state they have read.
 */
import type { Handle } from '../../isolation/contract.js';
import { TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { admission } from './admission.js';
import type { State, Want } from './control.js';
import { Effects } from './effects.js';
import { type Event, type Facts, initialFacts, type Moment } from './facts.js';
import { Gate } from './gate.js';
import { type Condition, conditionOf } from './health.js';
import type { Claim } from './leases.js';
import { step } from './lifecycle.js';
import { Tenure, type TenureDeps } from './tenure.js';

/** How many may wait for one instance; more get `queue_full` (a stampede must not fill our memory). */
const MAX_WAITERS = 1024;

/** The cause of a start that a request has made. */
export const WAKE = 'a request';

/** What an instance needs of the world. */
export interface InstanceDeps extends TenureDeps {
  /** Open requests, where they are counted by someone else than our leases. */
  readonly openRequests?: () => number | undefined;
  /** It is about to be frozen. */
  readonly onFreeze?: () => void;
  /** A state was left for another, or a start begins again with another port (`starting` to `starting`): one line, one row. */
  readonly onTransition: (from: State, to: State, cause: string) => void;
  readonly onWant: (want: Want) => void;
}

/** A claim on a ready instance, for one request. */
export interface InstanceLease extends Claim {
  readonly handle: Handle;
  /** Aborts when the instance leaves `ready`. */
  readonly retiring: AbortSignal;
  /** Has the instance looked at; the claim stays. */
  doubt(): void;
  /** Gives the claim back and has the instance looked at before anyone else is let through. */
  suspect(): void;
}

export class Instance {
  readonly key: InstanceKey;
  readonly #deps: InstanceDeps;
  readonly #gate: Gate;
  readonly #tenure: Tenure;
  readonly #effects: Effects;
  readonly #mail: { event: Event; cause: string }[] = [];
  readonly #resting = new Set<() => void>();
  #facts: Facts;
  #busy = false;
  /** What stops under way want done while nothing runs. */
  #whenDown: (() => Promise<void>)[] = [];
  #lastProblem: string | undefined;

  constructor(key: InstanceKey, want: Want, deps: InstanceDeps) {
    this.key = key;
    this.#deps = deps;
    this.#facts = initialFacts(want);
    this.#gate = new Gate(deps.clock);
    this.#tenure = new Tenure(formatKey(key), deps, {
      post: (event, cause) => this.#post(event, cause),
      onEmpty: () => this.#effects.empty(),
      isNewborn: () => this.#facts.state === 'starting' && this.#facts.entry === 'spawn',
    });
    this.#effects = new Effects({
      clock: deps.clock,
      timings: deps.timings,
      gate: this.#gate,
      tenure: this.#tenure,
      facts: () => this.#facts,
      post: (event, cause) => this.#post(event, cause),
      onFreeze: deps.onFreeze,
    });
  }

  get state(): State {
    return this.#facts.state;
  }
  get want(): Want {
    return this.#facts.want;
  }
  get handle(): Handle | undefined {
    return this.#tenure.handle;
  }
  get inFlight(): number {
    const { count } = this.#tenure.leases;
    return count === 0 ? 0 : (this.#deps.openRequests?.() ?? count);
  }
  /** Milliseconds since the process was started. */
  get uptimeMs(): number {
    return this.#tenure.uptimeMs;
  }
  get idleMs(): number {
    return this.#tenure.leases.idleMs;
  }
  get waiting(): number {
    return this.#gate.size;
  }
  get condition(): Condition {
    return conditionOf(this.#tenure.health?.failures ?? 0);
  }
  get deaths(): number {
    const { windowMs } = this.#deps.timings().restart;
    const now = this.#deps.clock.monotonic();
    return this.#facts.deaths.filter((at) => now - at < windowMs).length;
  }
  get lastProblem(): string | undefined {
    return this.#tenure.health?.lastProblem ?? this.#lastProblem;
  }
  /** A request that came now would be refused at once (disabled, held, failed, in long back-off, shutting down). */
  get refusal(): TenementError | undefined {
    if (this.#facts.state === 'ready') return undefined;
    const verdict = admission(this.#facts, this.#deps.clock.monotonic(), this.#deps.timings());
    return verdict.kind === 'refuse' ? verdict.error : undefined;
  }

  /**
   * A lease on the ready instance, waking it if need be. In each state: ready: at once; starting: when ready; draining,
   * stopping: after a new start; backoff: after the delay, if that is within the wait; stopped: starts it; failed, held,
   * disabled: refused with the reason.
   */
  acquire(signal: AbortSignal): Promise<InstanceLease> {
    if (this.#facts.state === 'ready') return Promise.resolve(this.#claim());
    return this.#enter(() => this.#claim(), signal);
  }

  /** Starts it for a person (or for the config, `want: up`) and waits until it is ready. `cause` is told. */
  start(want: 'up' | 'on-demand', cause = 'asked to start'): Promise<void> {
    if (this.#facts.want === 'disabled') return Promise.reject(new TenementError('disabled'));
    this.#post({ type: 'start', want }, cause);
    return this.#untilReady();
  }

  /**
   * Resolves when nothing of it runs any more, whatever is asked of it afterwards. `whenDown` runs between the old process and
   * a new one that somebody may already be waiting for.
   */
  async stop(want: Want, why: TenementError, whenDown?: () => Promise<void>): Promise<void> {
    const rested = this.#untilResting();
    // A failure is this caller's to know; the next start is not kept from happening by it.
    let failure: unknown;
    if (whenDown !== undefined) {
      this.#whenDown.push(async () => {
        try {
          await whenDown();
        } catch (error) {
          failure = error;
        }
      });
    }
    this.#post({ type: 'stop', want, why }, why.code === 'stopped' ? 'asked to stop' : why.message);
    await rested;
    await this.#tenure.cleaned;
    if (failure !== undefined) throw failure;
  }

  /** Stops and holds it for what it does to others: without waiting for its open requests, and its last problem says why. */
  async evict(why: TenementError, whenDown?: () => Promise<void>): Promise<void> {
    const stopped = this.stop('down', why, whenDown);
    this.#lastProblem = why.message;
    this.cutDrain();
    await stopped;
  }

  /** A new process instead of the running one; starts it when none runs. Resolves when the new one is ready. */
  restart(cause: string): Promise<void> {
    if (this.#facts.want === 'disabled') return Promise.reject(new TenementError('disabled'));
    // Only a start ends a hold: whoever may restart (a tenant's token) may not do that.
    if (this.#facts.want === 'down') return Promise.reject(new TenementError('held'));
    this.#post({ type: 'restart' }, cause);
    return this.#untilReady();
  }

  /** Like `restart`; but a frozen one, for which nobody waits, only makes way for the new process that its next request starts. */
  async renew(cause: string): Promise<void> {
    if (this.#facts.state !== 'frozen') return this.restart(cause);
    const rested = this.#untilResting();
    this.#post({ type: 'restart' }, cause);
    await rested;
    await this.#tenure.cleaned;
  }

  async shutdown(): Promise<void> {
    const rested = this.#untilResting();
    this.#post({ type: 'shutdown' }, 'the server is shutting down');
    await rested;
    await this.#tenure.cleaned;
  }

  /**
   * Takes over a process that was proven to be this instance's. `frozen`: the last server left it so. `ageMs`: how long it has run.
   * What that server had measured is not known: idle time, freeze_timeout and deaths count from now on.
   */
  adopt(handle: Handle, frozen: boolean, ageMs = 0): void {
    this.#tenure.adopt(handle, ageMs);
    const how = frozen ? 'frozen' : 'running';
    this.#post({ type: 'adopted', frozen }, `found ${how} as pid ${handle.ref.pid}`);
  }

  setWant(want: Want): void {
    if (want === this.#facts.want) return;
    this.#facts = { ...this.#facts, want };
    this.#deps.onWant(want);
  }

  /** Runs `action` between two processes: the next start waits for it. */
  whileDown(action: () => Promise<void>): Promise<void> {
    return this.#tenure.whileDown(action);
  }

  /** A drain under way waits no longer. */
  cutDrain(): void {
    if (this.#facts.state === 'draining')
      this.#effects.cut('open requests were cut: the stop was asked for twice');
  }

  /** A changed idle_timeout, idle_action or freeze_timeout takes effect without a restart. */
  rearm(): void {
    this.#effects.rearm();
  }

  #enter<T>(claim: () => T, signal?: AbortSignal): Promise<T> {
    // Whoever has left already must not wake anything.
    if (signal?.aborted) return this.#gate.wait(claim, 0, signal);
    const verdict = admission(this.#facts, this.#deps.clock.monotonic(), this.#deps.timings());
    if (verdict.kind === 'refuse') return Promise.reject(verdict.error);
    if (this.#gate.size >= MAX_WAITERS)
      return Promise.reject(new TenementError('queue_full', undefined, { retryAfterSecs: 2 }));
    const waiting = this.#gate.wait(claim, verdict.budgetMs, signal);
    this.#post({ type: 'wake' }, WAKE);
    return waiting;
  }

  #untilReady(): Promise<void> {
    return this.#facts.state === 'ready' ? Promise.resolve() : this.#enter(() => undefined);
  }

  #untilResting(): Promise<void> {
    return new Promise((resolve) => this.#resting.add(resolve));
  }

  #claim(): InstanceLease {
    const { handle, leases, retiring } = this.#tenure;
    if (handle === undefined) throw new TenementError('internal', 'ready without a process');
    this.#effects.busy();
    const claim = leases.take();
    const doubt = () => {
      // A report about an earlier process says nothing of this one.
      if (this.#tenure.handle === handle) this.#post({ type: 'suspect' }, 'a connection to it broke');
    };
    return {
      ...claim,
      handle,
      retiring,
      doubt,
      suspect: () => {
        if (claim.release()) doubt();
      },
    };
  }

  // --- the mailbox ---

  #post(event: Event, cause: string): void {
    this.#mail.push({ event, cause });
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#mail.shift(); next !== undefined; next = this.#mail.shift())
        this.#apply(next.event, next.cause);
    } finally {
      this.#busy = false;
    }
  }

  #apply(event: Event, cause: string): void {
    const before = this.#facts;
    const moment: Moment = {
      now: this.#deps.clock.monotonic(),
      waiters: this.#gate.size,
      leases: this.#tenure.leases.count,
      policy: this.#deps.timings().restart,
      sleeps: this.#deps.timings().idleMs > 0,
      freezes: this.#deps.timings().freezeMs !== undefined && this.#tenure.handle?.freezer !== undefined,
      changesPort: 'port' in (this.#tenure.handle?.address ?? {}),
    };
    const { facts, effects } = step(before, event, moment);
    this.#facts = facts;
    if (facts.state !== before.state || facts.entry !== before.entry) this.#effects.leave(before.state);
    this.#tell(before, facts, cause);
    // The end that we made ourselves is no problem, and must not hide the one that it was made for.
    const ours = before.state === 'stopping' || before.state === 'draining';
    if (event.type === 'start-failed' || (event.type === 'exited' && !ours))
      this.#lastProblem = event.error.message;
    if (event.type === 'unhealthy') this.#lastProblem = event.why;
    if (event.type === 'freeze-failed' || event.type === 'thaw-failed') this.#lastProblem = cause;
    const rests = facts.state === 'stopped' || facts.state === 'backoff' || facts.state === 'failed';
    const down = rests || event.type === 'gone';
    // Before the effects: a start among them waits for what is queued here.
    if (down) this.#whileDownRun();
    for (const effect of effects) this.#effects.run(effect, cause);
    if (facts.state !== 'ready') this.#refuseHopeless();
    if (down) {
      for (const resolve of this.#resting) resolve();
      this.#resting.clear();
    }
  }

  /**
   * A full disk (no row can be written) must not keep the effects of a step from being carried out: an instance in `stopping`
   * that nobody kills would hang for ever.
   */
  #tell(before: Facts, after: Facts, cause: string): void {
    try {
      if (after.want !== before.want) this.#deps.onWant(after.want);
      const again = after.collisions > before.collisions;
      if (again || after.state !== before.state) this.#deps.onTransition(before.state, after.state, cause);
    } catch (error) {
      this.#deps.log.error({ err: error }, 'a change of state could not be recorded');
    }
  }

  /** What would refuse a new request (a back-off longer than the wait, a hold) has nothing to offer to those who wait either. */
  #refuseHopeless(): void {
    if (this.#gate.size === 0) return;
    const verdict = admission(this.#facts, this.#deps.clock.monotonic(), this.#deps.timings());
    if (verdict.kind === 'refuse') this.#gate.refuse(verdict.error);
  }

  /** What stops have asked for, queued in the very step that ends the old process. */
  #whileDownRun(): void {
    for (const action of this.#whenDown.splice(0)) void this.whileDown(action);
  }
}
