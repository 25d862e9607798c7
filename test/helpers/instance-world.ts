import { TenementError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import type { State, Want } from '../../src/supervisor/control.js';
import { Instance } from '../../src/supervisor/instance.js';
import type { Probes } from '../../src/supervisor/probe.js';
import type { HealthAnswer } from '../../src/supervisor/readiness.js';
import type { Timings } from '../../src/supervisor/timings.js';
import { FakeClock } from './fake-clock.js';
import { FakeHandle } from './fake-handle.js';

/** One launch that waits for the test's word. */
export interface Launch {
  readonly signal: AbortSignal;
  succeed(handle?: FakeHandle): FakeHandle;
  fail(code?: 'start_failed' | 'internal' | 'state_unusable' | 'systemd_away', cause?: TenementError): void;
}

/** One readiness or reconnect probe that waits for the test's word. */
export interface Probe {
  readonly kind: 'ready' | 'reconnect';
  readonly handle: unknown;
  readonly signal: AbortSignal;
  pass(): void;
  fail(message?: string, code?: 'start_timeout' | 'port_taken'): void;
  /** The probe itself breaks. */
  break(): void;
}

const TIMINGS: Timings = {
  restart: {
    restart: 'on-failure',
    maxRestarts: 3,
    windowMs: 300_000,
    backoffBaseMs: 1000,
    backoffMaxMs: 60_000,
  },
  startupMs: 30_000,
  stopMs: 10_000,
  drainMs: 30_000,
  idleMs: 300_000,
  freezeMs: undefined,
  healthIntervalMs: 10_000,
  healthTimeoutMs: 5000,
};

/** An instance whose processes, probes and clock are all in the hands of the test. */
export class InstanceWorld {
  readonly clock = new FakeClock();
  readonly launches: Launch[] = [];
  readonly probes: Probe[] = [];
  readonly handles: FakeHandle[] = [];
  readonly transitions: string[] = [];
  readonly wants: Want[] = [];
  readonly gone: FakeHandle[] = [];
  /** How often kept connections were to be dropped. */
  freezes = 0;
  /** What the next health checks answer. */
  health: HealthAnswer = { kind: 'healthy' };
  healthChecks = 0;
  /** Runs at each transition; a test may throw from it. */
  onTransition: () => void = () => {};
  onExit: () => Promise<void> = async () => {};
  timings: Timings;
  readonly instance: Instance;

  constructor(options: { want?: Want; timings?: Partial<Timings> } = {}) {
    this.timings = { ...TIMINGS, ...options.timings };
    const probes: Probes = {
      awaitReady: (handle, _request, _ms, signal) => this.#probe('ready', handle, signal),
      awaitReconnect: (handle, _ms, signal) => this.#probe('reconnect', handle, signal),
      askHealth: async () => {
        this.healthChecks += 1;
        return this.health;
      },
    };
    this.instance = new Instance({ service: 'notes', id: 'alice' }, options.want ?? 'on-demand', {
      clock: this.clock,
      log: silentLog,
      timings: () => this.timings,
      launch: (signal) => this.#launch(signal),
      healthRequest: (handle) => ({
        address: handle.address,
        path: '/',
        host: 'x',
        proto: 'http',
        timeoutMs: 1,
      }),
      probes,
      onFreeze: () => {
        this.freezes += 1;
      },
      onTransition: (from: State, to: State) => {
        this.transitions.push(`${from}>${to}`);
        this.onTransition();
      },
      onWant: (want) => void this.wants.push(want),
      onExit: () => this.onExit(),
      onGone: async (handle) => void this.gone.push(handle as FakeHandle),
    });
  }

  /** How many processes live. */
  get alive(): number {
    return this.handles.filter((handle) => !handle.gone).length;
  }

  lastLaunch(): Launch {
    return known(this.launches.at(-1), 'launch');
  }

  lastProbe(): Probe {
    return known(this.probes.at(-1), 'probe');
  }

  /** Carries the start under way to `ready`. */
  async becomeReady(handle?: FakeHandle): Promise<FakeHandle> {
    await turn();
    const started = this.lastLaunch().succeed(handle);
    await turn();
    this.lastProbe().pass();
    await turn();
    return started;
  }

  /** Asks for a lease and carries the start to `ready`. The lease is still held. */
  async awake(handle?: FakeHandle) {
    const wanted = this.instance.acquire(new AbortController().signal);
    const started = await this.becomeReady(handle);
    return { handle: started, lease: await wanted };
  }

  #launch(signal: AbortSignal): Promise<FakeHandle> {
    return new Promise((resolve, reject) => {
      this.launches.push({
        signal,
        succeed: (handle = new FakeHandle()) => {
          this.handles.push(handle);
          resolve(handle);
          return handle;
        },
        fail: (code = 'start_failed', cause) =>
          reject(new TenementError(code, 'it cannot be started', { cause })),
      });
    });
  }

  #probe(kind: Probe['kind'], handle: unknown, signal: AbortSignal): Promise<TenementError | undefined> {
    return new Promise((resolve, reject) => {
      this.probes.push({
        kind,
        handle,
        signal,
        pass: () => resolve(undefined),
        fail: (message = 'not in time', code = 'start_timeout') => resolve(new TenementError(code, message)),
        break: () => reject(new Error('the probe broke')),
      });
    });
  }
}

/** Lets everything that is due run: promise chains of any length. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there was no ${what}`);
  return value;
}
