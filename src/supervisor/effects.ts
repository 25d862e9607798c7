/** Carries out what the state machine of an instance has decided (lifecycle.ts). What comes of it is posted as events. */
import type { Timer } from '../base/clock.js';
import { TenementError } from '../base/errors.js';
import type { State } from './control.js';
import type { Effect, Event, Facts } from './facts.js';
import type { Gate } from './gate.js';
import type { Tenure, TenureDeps } from './tenure.js';

interface EffectsDeps extends Pick<TenureDeps, 'clock' | 'timings'> {
  readonly gate: Gate;
  readonly tenure: Tenure;
  readonly facts: () => Facts;
  readonly post: (event: Event, cause: string) => void;
  /** It is about to be frozen. */
  readonly onFreeze: (() => void) | undefined;
}

export class Effects {
  readonly #deps: EffectsDeps;
  /** To the idle stop, in `ready`. */
  #idle: Timer | undefined;
  /** To the end of a state that is for a time only: back-off, draining, frozen. */
  #delay: Timer | undefined;
  #frozenAt = 0;

  constructor(deps: EffectsDeps) {
    this.#deps = deps;
  }

  run(effect: Effect, cause: string): void {
    const { gate, tenure, clock, post } = this.#deps;
    switch (effect.do) {
      case 'spawn':
        tenure.spawn();
        return;
      case 'probe':
        void tenure.probe(effect.by);
        return;
      case 'open':
        this.#open();
        return;
      case 'reject':
        gate.refuse(effect.error);
        return;
      case 'drain':
        this.#drain();
        return;
      case 'freeze':
        this.#freeze();
        return;
      case 'thaw':
        this.#delay?.cancel();
        void tenure.thaw(cause);
        return;
      case 'kill':
        void tenure.kill();
        return;
      case 'clean':
        tenure.disown();
        return;
      case 'timer':
        this.#delay = clock.after(effect.at - clock.monotonic(), () =>
          post({ type: 'backoff-over' }, 'the delay is over'),
        );
    }
  }

  /** What belongs to a state ends with it. */
  leave(state: State): void {
    const { tenure } = this.#deps;
    if (state === 'starting' || state === 'frozen') tenure.endAttempt();
    if (state === 'backoff' || state === 'draining' || state === 'frozen') this.#delay?.cancel();
    if (state === 'ready') {
      this.#idle?.cancel();
      tenure.retire();
    }
  }

  /** A request has come: it is not idle. */
  busy(): void {
    this.#idle?.cancel();
  }

  /** The last open request has ended. */
  empty(): void {
    this.#armIdle();
    if (this.#deps.facts().state !== 'draining') return;
    this.#delay?.cancel();
    this.#deps.post({ type: 'drained' }, 'the last request ended');
  }

  /** Ends a drain, and the requests that it waits for. */
  cut(cause: string): void {
    this.#deps.tenure.leases.close(new TenementError('shutting_down', undefined, { retryAfterSecs: 1 }));
    this.#deps.post({ type: 'drained' }, cause);
  }

  /** A changed idle_timeout, idle_action or freeze_timeout takes effect without a restart. */
  rearm(): void {
    if (this.#deps.facts().state === 'frozen') this.#armFreezeOver();
    else this.#armIdle();
  }

  #open(): void {
    const { gate, tenure, post } = this.#deps;
    tenure.watchHealth((why) => post({ type: 'unhealthy', why }, why));
    tenure.leases.touch();
    gate.open();
    this.#armIdle();
  }

  #freeze(): void {
    // First: nothing that is dialled after the thaw may overtake it.
    this.#deps.onFreeze?.();
    this.#frozenAt = this.#deps.clock.monotonic();
    this.#armFreezeOver();
    void this.#deps.tenure.freeze();
  }

  #armFreezeOver(): void {
    const { clock, post } = this.#deps;
    this.#delay?.cancel();
    const { freezeMs } = this.#deps.timings();
    if (freezeMs === 0 || this.#deps.facts().thawing) return;
    const why = freezeMs === undefined ? 'what is idle is stopped now' : 'frozen for freeze_timeout';
    const rest = this.#frozenAt + (freezeMs ?? 0) - clock.monotonic();
    this.#delay = clock.after(Math.max(0, rest), () => post({ type: 'freeze-over' }, why));
  }

  #drain(): void {
    const cut = () => this.cut('open requests were cut after drain_timeout');
    this.#delay = this.#deps.clock.after(this.#deps.timings().drainMs, cut);
  }

  #armIdle(): void {
    const { clock, post } = this.#deps;
    this.#idle?.cancel();
    const { idleMs } = this.#deps.timings();
    const { leases } = this.#deps.tenure;
    if (idleMs === 0 || this.#deps.facts().state !== 'ready' || leases.count > 0) return;
    this.#idle = clock.after(Math.max(0, idleMs - leases.idleMs), () => post({ type: 'idle' }, 'idle'));
  }
}
