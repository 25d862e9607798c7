/**
 * One instance: a mailbox around the pure state machine. All that happens to it is an event; events are applied one after the
 * other, and only here is its state written. Callers ask for outcomes and never branch on a state they have read.
 */
import { setMaxListeners } from 'node:events';
import type { Exit, Handle } from '../../isolation/contract.js';
import type { Clock, Timer } from '../base/clock.js';
import { asTenementError, TenementError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { State, Want } from './control.js';
import { Gate } from './gate.js';
import { type Condition, conditionOf, HealthLoop } from './health.js';
import { type Claim, Leases } from './leases.js';
import {
  admission,
  type Effect,
  type Event,
  type Facts,
  initialFacts,
  type Moment,
  step,
} from './lifecycle.js';
import { type Probes, realProbes } from './probe.js';
import type { HealthAnswer, HealthRequest } from './readiness.js';
import type { Timings } from './timings.js';

/** How many may wait for one instance; more get `queue_full` (a stampede must not fill our memory). */
const MAX_WAITERS = 1024;

/** What an instance needs of the world. */
export interface InstanceDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: () => Timings;
  /** Prepares everything and starts a process, whose ref is saved when it resolves. Rejects with a TenementError and nothing left behind. */
  readonly launch: (signal: AbortSignal) => Promise<Handle>;
  readonly healthRequest: (handle: Handle) => HealthRequest;
  /** How a process is asked; tests answer by hand. */
  readonly probes?: Probes;
  /** A state was left for another: one line, one row. */
  readonly onTransition: (from: State, to: State, cause: string) => void;
  readonly onWant: (want: Want) => void;
  /** The main process ended; resolves when its last lines can be read. */
  readonly onExit: (exit: Exit) => Promise<void>;
  /** Nothing of that process is left: its port is free again, its ref is void. */
  readonly onGone: (handle: Handle) => Promise<void>;
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
  readonly #probes: Probes;
  readonly #gate: Gate;
  readonly #mail: { event: Event; cause: string }[] = [];
  readonly #resting = new Set<() => void>();
  #facts: Facts;
  #busy = false;
  #handle: Handle | undefined;
  #leases: Leases;
  #retiring = retirement();
  #health: HealthLoop | undefined;
  /** Aborts the start or probe under way. */
  #attempt = new AbortController();
  /** Settles when the launch under way has either failed or given a handle. */
  #launching: Promise<void> = Promise.resolve();
  /** Settles when nothing of earlier processes is left; a start waits for it. */
  #cleaning: Promise<void> = Promise.resolve();
  /** What stops under way want done while nothing runs. */
  #whenDown: (() => Promise<void>)[] = [];
  #idle: Timer | undefined;
  #delay: Timer | undefined;
  #lastProblem: string | undefined;

  constructor(key: InstanceKey, want: Want, deps: InstanceDeps) {
    this.key = key;
    this.#deps = deps;
    this.#probes = deps.probes ?? realProbes;
    this.#facts = initialFacts(want);
    this.#gate = new Gate(deps.clock);
    this.#leases = this.#newLeases();
  }

  get state(): State {
    return this.#facts.state;
  }
  get want(): Want {
    return this.#facts.want;
  }
  get handle(): Handle | undefined {
    return this.#handle;
  }
  get inFlight(): number {
    return this.#leases.count;
  }
  get idleMs(): number {
    return this.#leases.idleMs;
  }
  get waiting(): number {
    return this.#gate.size;
  }
  get condition(): Condition {
    return conditionOf(this.#health?.failures ?? 0);
  }
  get deaths(): number {
    const { windowMs } = this.#deps.timings().restart;
    const now = this.#deps.clock.now();
    return this.#facts.deaths.filter((at) => now - at < windowMs).length;
  }
  get lastProblem(): string | undefined {
    return this.#health?.lastProblem ?? this.#lastProblem;
  }
  /** A request that came now would be refused at once (disabled, held, failed, in long back-off, shutting down). */
  get refusal(): TenementError | undefined {
    if (this.#facts.state === 'ready') return undefined;
    const verdict = admission(this.#facts, this.#deps.clock.now(), this.#deps.timings());
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

  /** Starts it for a person (or for the config, `want: up`) and waits until it is ready. */
  start(want: 'up' | 'on-demand'): Promise<void> {
    if (this.#facts.want === 'disabled') return Promise.reject(new TenementError('disabled'));
    this.#post({ type: 'start', want }, want === 'up' ? 'listed in [instances]' : 'asked to start');
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
    this.#post({ type: 'stop', want, why }, why.message);
    await rested;
    await this.#cleaning;
    if (failure !== undefined) throw failure;
  }

  /** A new process instead of the running one; starts it when none runs. Resolves when the new one is ready. */
  restart(cause: string): Promise<void> {
    if (this.#facts.want === 'disabled') return Promise.reject(new TenementError('disabled'));
    this.#post({ type: 'restart' }, cause);
    return this.#untilReady();
  }

  async shutdown(): Promise<void> {
    const rested = this.#untilResting();
    this.#post({ type: 'shutdown' }, 'the server is shutting down');
    await rested;
    await this.#cleaning;
  }

  /** Takes over a process that was proven to be this instance's. */
  adopt(handle: Handle): void {
    this.#own(handle);
    this.#post({ type: 'adopted' }, `found running as pid ${handle.ref.pid}`);
  }

  setWant(want: Want): void {
    if (want === this.#facts.want) return;
    this.#facts = { ...this.#facts, want };
    this.#deps.onWant(want);
  }

  /** Runs `action` between two processes: the next start waits for it. */
  whileDown(action: () => Promise<void>): Promise<void> {
    const done = this.#cleaning.then(action);
    this.#cleaning = done.catch((error: unknown) => {
      this.#deps.log.error({ err: error }, 'clean-up failed');
    });
    return done;
  }

  /** A changed idle_timeout takes effect without a restart. */
  rearm(): void {
    this.#armIdle();
  }

  #enter<T>(claim: () => T, signal?: AbortSignal): Promise<T> {
    // Whoever has left already must not wake anything.
    if (signal?.aborted) return this.#gate.wait(claim, 0, signal);
    const verdict = admission(this.#facts, this.#deps.clock.now(), this.#deps.timings());
    if (verdict.kind === 'refuse') return Promise.reject(verdict.error);
    if (this.#gate.size >= MAX_WAITERS)
      return Promise.reject(new TenementError('queue_full', undefined, { retryAfterSecs: 2 }));
    const waiting = this.#gate.wait(claim, verdict.budgetMs, signal);
    this.#post({ type: 'wake' }, 'a request');
    return waiting;
  }

  #untilReady(): Promise<void> {
    return this.#facts.state === 'ready' ? Promise.resolve() : this.#enter(() => undefined);
  }

  #untilResting(): Promise<void> {
    return new Promise((resolve) => this.#resting.add(resolve));
  }

  #claim(): InstanceLease {
    const handle = this.#handle;
    if (handle === undefined) throw new TenementError('internal', 'ready without a process');
    this.#idle?.cancel();
    const leases = this.#leases;
    const claim = leases.take();
    const doubt = () => {
      // A report about an earlier process says nothing of this one.
      if (this.#handle === handle) this.#post({ type: 'suspect' }, 'a connection to it broke');
    };
    return {
      ...claim,
      handle,
      retiring: this.#retiring.signal,
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
      now: this.#deps.clock.now(),
      waiters: this.#gate.size,
      leases: this.#leases.count,
      policy: this.#deps.timings().restart,
      sleeps: this.#deps.timings().idleMs > 0,
    };
    const { facts, effects } = step(before, event, moment);
    this.#facts = facts;
    if (facts.state !== before.state || facts.entry !== before.entry) this.#leave(before.state);
    this.#tell(before, facts, cause);
    // The end that we made ourselves is no problem, and must not hide the one that it was made for.
    const ours = before.state === 'stopping' || before.state === 'draining';
    if (event.type === 'start-failed' || (event.type === 'exited' && !ours))
      this.#lastProblem = event.error.message;
    const rests = facts.state === 'stopped' || facts.state === 'backoff' || facts.state === 'failed';
    const down = rests || event.type === 'gone';
    // Before the effects: a start among them waits for what is queued here.
    if (down) this.#whileDownRun();
    for (const effect of effects) this.#run(effect);
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
      if (after.state !== before.state) this.#deps.onTransition(before.state, after.state, cause);
    } catch (error) {
      this.#deps.log.error({ err: error }, 'a change of state could not be recorded');
    }
  }

  /** What would refuse a new request (a back-off longer than the wait, a hold) has nothing to offer to those who wait either. */
  #refuseHopeless(): void {
    if (this.#gate.size === 0) return;
    const verdict = admission(this.#facts, this.#deps.clock.now(), this.#deps.timings());
    if (verdict.kind === 'refuse') this.#gate.refuse(verdict.error);
  }

  /** What belongs to a state ends with it. */
  #leave(state: State): void {
    if (state === 'starting') this.#attempt.abort();
    if (state === 'backoff' || state === 'draining') this.#delay?.cancel();
    if (state === 'ready') {
      this.#idle?.cancel();
      this.#retiring.abort();
      this.#retiring = retirement();
    }
  }

  #run(effect: Effect): void {
    switch (effect.do) {
      case 'spawn':
        this.#launching = this.#spawn();
        return;
      case 'probe':
        void this.#probe(effect.by);
        return;
      case 'open':
        this.#watchHealth();
        this.#leases.touch();
        this.#gate.open();
        this.#armIdle();
        return;
      case 'reject':
        this.#gate.refuse(effect.error);
        return;
      case 'drain':
        this.#drain();
        return;
      case 'kill':
        void this.#kill();
        return;
      case 'clean':
        this.#disown();
        return;
      case 'timer':
        this.#delay = this.#deps.clock.after(effect.at - this.#deps.clock.now(), () =>
          this.#post({ type: 'backoff-over' }, 'the delay is over'),
        );
    }
  }

  // --- effects ---

  async #spawn(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    await this.#cleaning;
    if (attempt.signal.aborted) return;
    let handle: Handle;
    try {
      handle = await this.#deps.launch(attempt.signal);
    } catch (error) {
      if (!attempt.signal.aborted)
        this.#post({ type: 'start-failed', error: asTenementError(error) }, 'the start failed');
      return;
    }
    this.#own(handle);
    if (attempt.signal.aborted) return;
    void this.#untilHealthy(handle, attempt.signal);
  }

  async #untilHealthy(handle: Handle, signal: AbortSignal): Promise<void> {
    const failure = await this.#askProbe(() =>
      this.#probes.awaitReady(
        handle,
        this.#deps.healthRequest(handle),
        this.#deps.timings().startupMs,
        signal,
      ),
    );
    if (signal.aborted) return;
    if (failure === undefined) this.#post({ type: 'ready' }, 'it answers');
    else this.#post({ type: 'start-failed', error: failure }, failure.message);
  }

  async #probe(by: 'health' | 'connect'): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const handle = this.#handle;
    if (handle === undefined) return;
    const timings = this.#deps.timings();
    const failure = await this.#askProbe(() =>
      by === 'health'
        ? this.#probes.awaitReady(handle, this.#deps.healthRequest(handle), timings.startupMs, attempt.signal)
        : this.#probes.awaitReconnect(handle, timings.healthTimeoutMs, attempt.signal),
    );
    if (attempt.signal.aborted) return;
    if (failure === undefined) this.#post({ type: 'ready' }, 'it answers');
    else this.#post({ type: 'unhealthy', why: failure.message }, failure.message);
  }

  /** A probe that breaks is an answer, too: no answer would leave everybody waiting. */
  async #askProbe(ask: () => Promise<TenementError | undefined>): Promise<TenementError | undefined> {
    try {
      return await ask();
    } catch (error) {
      return asTenementError(error);
    }
  }

  #own(handle: Handle): void {
    this.#handle = handle;
    this.#leases = this.#newLeases();
    void handle.exited.then((exit) => this.#onExit(handle, exit));
  }

  async #onExit(handle: Handle, exit: Exit): Promise<void> {
    if (this.#handle !== handle) return;
    const newborn = this.#facts.state === 'starting' && this.#facts.entry === 'spawn';
    // The death is told whether or not its last lines could be read.
    const seen = this.#deps.onExit(exit).catch((error: unknown) => {
      this.#deps.log.error({ err: error }, 'the last log lines could not be read');
    });
    // A start's failure is told with the lines the app left; a death while serving must not keep anyone waiting for them.
    if (newborn) await seen;
    if (this.#handle !== handle) return;
    const what = describeExit(exit);
    const when = newborn ? ' before it was ready' : '';
    const error = new TenementError('start_failed', `${formatKey(this.key)} ${what}${when}`);
    this.#post({ type: 'exited', clean: exit.code === 0, error }, what);
  }

  /** Gives the process up and sees to it, in the background, that nothing of its tree is left. */
  #disown(): void {
    const handle = this.#handle;
    this.#health?.stop();
    this.#health = undefined;
    if (handle === undefined) return;
    this.#handle = undefined;
    // Its open requests are not cut from here: their sockets break with the process, and then they may be sent again.
    this.#leases = this.#newLeases();
    void this.whileDown(async () => {
      await handle.stop({ graceMs: 0 });
      await this.#deps.onGone(handle);
    });
  }

  async #kill(): Promise<void> {
    this.#health?.stop();
    this.#health = undefined;
    await this.#launching;
    const handle = this.#handle;
    if (handle !== undefined) {
      this.#leases.close(new TenementError('shutting_down', undefined, { retryAfterSecs: 1 }));
      await this.whileDown(async () => {
        await handle.stop({ graceMs: this.#deps.timings().stopMs });
        await this.#deps.onGone(handle);
      }).catch(() => {});
      this.#handle = undefined;
      this.#leases = this.#newLeases();
    }
    this.#post({ type: 'gone' }, 'nothing of it is left');
  }

  /** What stops have asked for, queued in the very step that ends the old process. */
  #whileDownRun(): void {
    for (const action of this.#whenDown.splice(0)) void this.whileDown(action);
  }

  #drain(): void {
    const leases = this.#leases;
    this.#delay = this.#deps.clock.after(this.#deps.timings().drainMs, () => {
      leases.close(new TenementError('shutting_down', undefined, { retryAfterSecs: 1 }));
      this.#post({ type: 'drained' }, 'open requests were cut after drain_timeout');
    });
  }

  #newLeases(): Leases {
    const leases: Leases = new Leases(this.#deps.clock, () => {
      if (leases !== this.#leases) return;
      this.#armIdle();
      if (this.#facts.state === 'draining') {
        this.#delay?.cancel();
        this.#post({ type: 'drained' }, 'the last request ended');
      }
    });
    return leases;
  }

  #armIdle(): void {
    this.#idle?.cancel();
    const { idleMs } = this.#deps.timings();
    if (idleMs === 0 || this.#facts.state !== 'ready' || this.#leases.count > 0) return;
    const rest = Math.max(0, idleMs - this.#leases.idleMs);
    this.#idle = this.#deps.clock.after(rest, () => this.#post({ type: 'idle' }, 'idle'));
  }

  #watchHealth(): void {
    const handle = this.#handle;
    if (this.#health !== undefined || handle === undefined) return;
    const timings = this.#deps.timings();
    this.#health = new HealthLoop({
      clock: this.#deps.clock,
      intervalMs: timings.healthIntervalMs,
      ask: (): Promise<HealthAnswer> => this.#probes.askHealth(this.#deps.healthRequest(handle)),
      inFlight: () => this.#leases.count > 0,
      onUnhealthy: (why) => {
        this.#lastProblem = why;
        this.#post({ type: 'unhealthy', why }, why);
      },
    });
  }
}

function retirement(): AbortController {
  const controller = new AbortController();
  // One listener for each open lease is normal here, not a leak.
  setMaxListeners(0, controller.signal);
  return controller;
}

function describeExit(exit: Exit): string {
  if (exit.oom) return 'was killed because it ran out of memory';
  if (exit.unknown) return 'ended';
  return exit.signal === null ? `exited with code ${exit.code}` : `was killed by ${exit.signal}`;
}
