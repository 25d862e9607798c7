/**
 * The process of one instance, from launch to the last trace of it: effects only. What happens to it is posted as events to the
 * instance's mailbox; when to do what is the state machine's decision (lifecycle.ts), carried out by effects.ts.
 */
import { setMaxListeners } from 'node:events';
import type { Exit, Handle } from '../../isolation/contract.js';
import type { Stopwatch } from '../base/clock.js';
import { asTenementError, TenementError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { CleanUp } from './clean-up.js';
import { describeExit, stillborn } from './exits.js';
import type { Event } from './facts.js';
import { HealthLoop } from './health.js';
import { Leases } from './leases.js';
import { type Probes, realProbes } from './probe.js';
import type { HealthAnswer, HealthRequest } from './readiness.js';
import type { Timings } from './timings.js';

/** What it takes to run a process. */
export interface TenureDeps {
  readonly clock: Stopwatch;
  readonly log: Log;
  readonly timings: () => Timings;
  /** Prepares everything and starts a process, whose ref is saved when it resolves. Rejects with a TenementError and nothing left behind. */
  readonly launch: (signal: AbortSignal) => Promise<Handle>;
  readonly healthRequest: (handle: Handle) => HealthRequest;
  /** How a process is asked; tests answer by hand. */
  readonly probes?: Probes;
  /** The main process ended; resolves when its last lines can be read. */
  readonly onExit: (exit: Exit) => Promise<void>;
  /** Nothing of that process is left: its port is free again, its ref is void. */
  readonly onGone: (handle: Handle) => Promise<void>;
}

interface TenureEvents {
  readonly post: (event: Event, cause: string) => void;
  /** The last lease of the present process ended. */
  readonly onEmpty: () => void;
  /** Whether the present process is a new one that was never ready. */
  readonly isNewborn: () => boolean;
}

export class Tenure {
  readonly #deps: TenureDeps;
  readonly #events: TenureEvents;
  readonly #probes: Probes;
  readonly #name: string;
  #handle: Handle | undefined;
  /** When that process was started (monotonic). */
  #bornAt = 0;
  /** The process whose main process has ended by itself. */
  #ended: Handle | undefined;
  #leases: Leases;
  #retiring = retirement();
  #health: HealthLoop | undefined;
  /** Aborts the start or probe under way. */
  #attempt = new AbortController();
  /** Settles when the launch under way has either failed or given a handle. */
  #launching: Promise<void> = Promise.resolve();
  readonly #cleanUp: CleanUp;

  /** `name`: the instance's, for messages. */
  constructor(name: string, deps: TenureDeps, events: TenureEvents) {
    this.#name = name;
    this.#deps = deps;
    this.#events = events;
    this.#probes = deps.probes ?? realProbes;
    this.#leases = this.#newLeases();
    this.#cleanUp = new CleanUp({
      ...deps,
      stop: (handle) => this.#stop(handle),
      launching: () => this.#launching,
      isRunning: () => this.#handle !== undefined,
    });
  }

  get handle(): Handle | undefined {
    return this.#handle;
  }
  get uptimeMs(): number {
    return this.#handle === undefined ? 0 : this.#deps.clock.monotonic() - this.#bornAt;
  }
  get leases(): Leases {
    return this.#leases;
  }
  get health(): HealthLoop | undefined {
    return this.#health;
  }
  /** Aborts when the instance leaves `ready`. */
  get retiring(): AbortSignal {
    return this.#retiring.signal;
  }
  /** Settles when nothing of earlier processes is left. */
  get cleaned(): Promise<void> {
    return this.#cleanUp.done;
  }

  spawn(): void {
    this.#launching = this.#spawn();
  }

  /** Takes over a process that was proven to be this instance's. */
  adopt(handle: Handle, ageMs: number): void {
    this.#own(handle, ageMs);
  }

  /** `health`: until it is healthy; `connect`: only whether it still accepts connections. */
  async probe(by: 'health' | 'connect'): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const handle = this.#handle;
    if (handle === undefined) return;
    const timings = this.#deps.timings();
    const failure = await orFailure(async () =>
      by === 'health'
        ? ((await this.#letGo(handle)) ??
          this.#probes.awaitReady(
            handle,
            this.#deps.healthRequest(handle),
            timings.startupMs,
            attempt.signal,
          ))
        : this.#probes.awaitReconnect(handle, timings.healthTimeoutMs, attempt.signal),
    );
    if (attempt.signal.aborted) return;
    if (failure === undefined) this.#events.post({ type: 'ready' }, 'it answers');
    else this.#events.post({ type: 'unhealthy', why: failure.message }, failure.message);
  }

  /** Holds the process where it is, with its health checks; what goes wrong is posted. */
  async freeze(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const { freezer } = this.#handle ?? {};
    this.#health?.pause();
    const failure = await orFailure(async () => {
      await freezer?.freeze();
      return undefined;
    });
    if (failure === undefined || attempt.signal.aborted) return;
    this.#events.post({ type: 'freeze-failed' }, `it could not be frozen: ${failure.message}`);
  }

  /** Lets the process go on, also while it is still being frozen. It is not asked whether it is well: it was, and has not lived since. */
  async thaw(cause: string): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const handle = this.#handle;
    if (handle === undefined) return;
    const failure = await this.#letGo(handle);
    if (attempt.signal.aborted) return;
    if (failure === undefined) this.#events.post({ type: 'thawed' }, cause);
    else this.#events.post({ type: 'thaw-failed' }, `it could not be thawed: ${failure.message}`);
  }

  #letGo(handle: Handle): Promise<TenementError | undefined> {
    return orFailure(async () => {
      await handle.freezer?.thaw();
      return undefined;
    });
  }

  /** What is under way with the process means nothing any more: a start, a probe, a freeze, a thaw. */
  endAttempt(): void {
    this.#attempt.abort();
  }

  /** No new requests on the leases that were given out. */
  retire(): void {
    this.#retiring.abort();
    this.#retiring = retirement();
  }

  watchHealth(onUnhealthy: (why: string) => void): void {
    const handle = this.#handle;
    this.#health?.resume();
    if (this.#health !== undefined || handle === undefined) return;
    this.#health = new HealthLoop({
      clock: this.#deps.clock,
      intervalMs: () => this.#deps.timings().healthIntervalMs,
      ask: (): Promise<HealthAnswer> => this.#probes.askHealth(this.#deps.healthRequest(handle), handle),
      inFlight: () => this.#leases.count > 0,
      onUnhealthy,
    });
  }

  /** TERM, grace, KILL of the tree, then `gone`. */
  async kill(): Promise<void> {
    this.#endHealth();
    await this.#launching;
    const handle = this.#handle;
    if (handle !== undefined) {
      this.#leases.close(new TenementError('shutting_down', undefined, { retryAfterSecs: 1 }));
      const failure = await this.#cleanUp.end(handle).catch(asTenementError);
      this.#handle = undefined;
      this.#leases = this.#newLeases();
      if (failure !== undefined) {
        this.#events.post({ type: 'gone' }, `it could not be ended: ${failure.message}`);
        return;
      }
    }
    this.#events.post({ type: 'gone' }, 'nothing of it is left');
  }

  /** Gives the process up and sees to it, in the background, that nothing of its tree is left. */
  disown(): void {
    // One start may follow the other without a change of state: what is still asked of the old process is no answer for the new one.
    this.endAttempt();
    const handle = this.#handle;
    this.#endHealth();
    if (handle === undefined) return;
    this.#handle = undefined;
    // Its open requests are not cut from here: their sockets break with the process, and then they may be sent again.
    this.#leases = this.#newLeases();
    // A failure is logged there; the next start finds what is left and refuses.
    this.#cleanUp.end(handle).catch(() => {});
  }

  /** Runs `action` between two processes: the next start waits for it. */
  whileDown(action: () => Promise<void>): Promise<void> {
    return this.#cleanUp.run(action);
  }

  async #stop(handle: Handle): Promise<void> {
    // After the app's own end there is nobody to be gentle with: what it left must not stay beside its successor.
    await handle.stop({ graceMs: handle === this.#ended ? 0 : this.#deps.timings().stopMs });
    await this.#deps.onGone(handle);
  }

  #endHealth(): void {
    this.#health?.pause();
    this.#health = undefined;
  }

  async #spawn(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    await this.#cleanUp.done;
    if (attempt.signal.aborted) return;
    let handle: Handle;
    try {
      handle = await this.#deps.launch(attempt.signal);
    } catch (error) {
      if (attempt.signal.aborted) return;
      const failure = asTenementError(error);
      this.#events.post({ type: 'start-failed', error: failure }, failure.message);
      return;
    }
    this.#own(handle, 0);
    if (!attempt.signal.aborted) void this.#untilHealthy(handle, attempt.signal);
  }

  async #untilHealthy(handle: Handle, signal: AbortSignal): Promise<void> {
    const { startupMs } = this.#deps.timings();
    const failure = await orFailure(() =>
      this.#probes.awaitReady(handle, this.#deps.healthRequest(handle), startupMs, signal),
    );
    if (signal.aborted) return;
    if (failure === undefined) this.#events.post({ type: 'ready' }, 'it answers');
    else this.#events.post({ type: 'start-failed', error: failure }, failure.message);
  }

  #own(handle: Handle, ageMs: number): void {
    this.#handle = handle;
    this.#bornAt = this.#deps.clock.monotonic() - ageMs;
    this.#leases = this.#newLeases();
    void handle.exited.then((exit) => this.#onExit(handle, exit));
  }

  async #onExit(handle: Handle, exit: Exit): Promise<void> {
    this.#ended = handle;
    if (this.#handle !== handle) return;
    const newborn = this.#events.isNewborn();
    // The death is told whether or not its last lines could be read.
    const seen = this.#deps.onExit(exit).catch((error: unknown) => {
      this.#deps.log.error({ err: error }, 'the last log lines could not be read');
    });
    // A start's failure is told with the lines the app left; a death while serving must not keep anyone waiting for them.
    const [error] = newborn
      ? await Promise.all([stillborn(this.#name, handle, exit), seen])
      : [new TenementError('start_failed', `${this.#name} ${describeExit(exit)}`)];
    if (this.#handle !== handle) return;
    const cause = error.code === 'port_taken' ? error.message : describeExit(exit);
    this.#events.post({ type: 'exited', clean: exit.code === 0, error }, cause);
  }

  #newLeases(): Leases {
    const leases: Leases = new Leases(this.#deps.clock, () => {
      if (leases === this.#leases) this.#events.onEmpty();
    });
    return leases;
  }
}

/** A probe that breaks is an answer, too: no answer would leave everybody waiting. */
async function orFailure(ask: () => Promise<TenementError | undefined>): Promise<TenementError | undefined> {
  try {
    return await ask();
  } catch (error) {
    return asTenementError(error);
  }
}

function retirement(): AbortController {
  const controller = new AbortController();
  // One listener for each open lease is normal here, not a leak.
  setMaxListeners(0, controller.signal);
  return controller;
}
