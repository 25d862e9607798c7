/** `ten serve` as a service of systemd: what it tells, and what it leaves running for its successor. Nothing of it happens elsewhere. */
import { jobOf } from '../systemd/job.js';
import {
  createNotifier,
  type Notifier,
  silentNotifier,
  takeNotify,
  takeWatchdog,
} from '../systemd/notify.js';
import type { Stopwatch } from './base/clock.js';
import type { Log } from './base/log.js';

/** Each message may be a process: more often is not worth it. */
const STATUS_MS = 5000;

/** What `systemctl status` shows. */
export interface Counts {
  readonly awake: number;
  readonly known: number;
  readonly inFlight: number;
}

interface ServiceManagerOptions {
  /** Variables for us are taken out of it, so that no child speaks for us. */
  readonly env: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly clock: Stopwatch;
  readonly log: Log;
  /** For tests. */
  readonly notifier?: Notifier;
}

const WATCHDOG_SHARE = 6;

export class ServiceManager {
  readonly #clock: Stopwatch;
  readonly #notifier: Notifier;
  readonly #watchdogMs: number | undefined;
  /** The name of the unit that `ten install` wrote and that we are the server of. */
  readonly unit: string | undefined;
  /** Of the notifications: `close` was called. */
  #closed = false;
  #stopping = false;

  constructor({ env, pid, clock, log, notifier }: ServiceManagerOptions) {
    this.#clock = clock;
    const send = takeNotify(env, pid);
    const usec = takeWatchdog(env, pid);
    const failed = (err: unknown) => log.warn({ err }, 'systemd could not be told how the server is');
    this.#notifier = notifier ?? (send === undefined ? silentNotifier : createNotifier(send, failed));
    this.#watchdogMs = send === undefined || usec === undefined ? undefined : usec / 1000;
    // Set by the unit that `ten install` writes.
    this.unit = env.TENEMENT_UNIT || undefined;
  }

  /** Everything listens. From now on `counts` is shown, and `answers` is asked whether the server is well. */
  ready(counts: () => Counts, answers: () => Promise<boolean>): void {
    this.#notifier.status(statusLine(counts()));
    this.#notifier.ready();
    this.#every(STATUS_MS, async () => this.#notifier.status(statusLine(counts())));
    // More often than the half of what is allowed, as sd_watchdog_enabled(3) recommends it: on a busy machine one may take long.
    if (this.#watchdogMs !== undefined) {
      this.#every(this.#watchdogMs / WATCHDOG_SHARE, async () => {
        // The worker of a server that stops has ended before it: then it is enough that we are here.
        if (this.#stopping || (await answers())) this.#notifier.alive();
      });
    }
  }

  /** systemd waits for the end of `work` before it says that the service is reloaded. */
  async reloading<T>(work: () => Promise<T>): Promise<T> {
    this.#notifier.reloading();
    try {
      return await work();
    } finally {
      // A file that cannot be loaded changes nothing: the server goes on as it was.
      this.#notifier.ready();
    }
  }

  /** Resolves with whether this end is half of a restart, so that what can outlive us may. The watchdog goes on: a stop can hang, too. */
  async stopping(): Promise<{ readonly restart: boolean }> {
    this.#stopping = true;
    this.#notifier.stopping();
    if (this.unit === undefined) return { restart: false };
    const job = await jobOf(this.unit).catch(() => undefined);
    return { restart: job === 'restart' || job === 'try-restart' };
  }

  close(): void {
    this.#closed = true;
  }

  #every(ms: number, action: () => Promise<void>): void {
    this.#clock.after(ms, () => {
      if (this.#closed) return;
      void action().finally(() => this.#every(ms, action));
    });
  }
}

/** Pure: `3 of 12 instances awake, 1 request in flight`. */
export function statusLine({ awake, known, inFlight }: Counts): string {
  const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  return `${awake} of ${plural(known, 'instance')} awake, ${plural(inFlight, 'request')} in flight`;
}
