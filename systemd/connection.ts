/** The connection to systemd's manager over a bus that may come and go: calls, jobs, and signals. */
import { EventEmitter } from 'node:events';
import { TenementError } from '../src/base/errors.js';
import { Bus, BusError, type Call, isLost, lost, type Signal } from './bus.js';

/** How a job ended: `done`, or why it was not: failed, timeout, canceled, dependency, skipped ... */
export type JobResult = string;

export const SYSTEMD = 'org.freedesktop.systemd1';
export const ROOT = '/org/freedesktop/systemd1';
export const MANAGER = `${SYSTEMD}.Manager`;
export const PROPERTIES = 'org.freedesktop.DBus.Properties';
const DBUS = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
};
/**
 * Static: of all units, as a rule for each would be one more to remove, and a bus allows a connection only so many. Properties of tenement's own
 * units come often enough.
 */
const RULES = [
  `type='signal',sender='${SYSTEMD}',path='${ROOT}',interface='${MANAGER}'`,
  `type='signal',sender='${SYSTEMD}',path_namespace='${ROOT}/unit',interface='${PROPERTIES}',member='PropertiesChanged',arg0='${SYSTEMD}.Unit'`,
];
/** A job may wait for others: 200 starts at once take over a second. */
const JOB_TIMEOUT_MS = 90_000;
const RECONNECT_MS = 500;
/** For what can be asked again; a bus that restarts is back within a second. */
const PERSIST_MS = 10_000;
const PERSIST_PAUSE_MS = 50;

/** Connects when it is first asked. Emits `signal` of the manager and its units, and `back` after a connection that was lost has been replaced. */
export class ManagerConnection extends EventEmitter<{ signal: [Signal]; back: [] }> {
  readonly #socket: string;
  #bus: Promise<Bus> | undefined;
  /** It worked once: then its loss is a passing thing. */
  #proven = false;
  #closed = false;
  #needed = false;
  #retry: NodeJS.Timeout | undefined;
  /** By path of the job; a result may come before its caller has learnt the path. */
  readonly #jobs = new EventEmitter<Record<string, [JobResult]>>();
  readonly #early = new Map<string, JobResult>();
  #starting = 0;
  #waitedFor = 0;

  /** `socket`: path of the bus, as busSocket finds it. */
  constructor(socket: string) {
    super();
    // One for each job under way is normal.
    this.#jobs.setMaxListeners(0);
    this.#socket = socket;
  }

  /** Whether it keeps the program running, and is made again when it is lost, also while nothing is asked. */
  need(needed: boolean): void {
    this.#needed = needed;
    this.#keep();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    void this.#bus?.then(
      (bus) => bus.close(),
      () => undefined,
    );
    this.#bus = undefined;
  }

  /**
   * For what can be asked twice: when the bus goes and comes back soon nobody notices.
   * @throws TenementError `systemd_failed`, with the name of D-Bus's error as the detail `name`
   */
  ask(call: Omit<Call, 'destination'>): Promise<readonly unknown[]> {
    return this.persist(() => this.#call(call));
  }

  /** Again and again while the bus is away, or systemd is not on it yet. */
  async persist<T>(ask: () => Promise<T>): Promise<T> {
    const until = performance.now() + PERSIST_MS;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!this.#proven || this.#closed || !isAway(error) || performance.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, PERSIST_PAUSE_MS));
      }
    }
  }

  /** Has the manager begin a job for a unit, and waits for its end. @throws TenementError `systemd_failed` */
  async job(unit: string, member: string, signature: string, body: readonly unknown[]): Promise<JobResult> {
    this.#waitedFor += 1;
    this.#keep();
    try {
      return await this.#jobDone(unit, { path: ROOT, interface: MANAGER, member, signature, body });
    } finally {
      this.#waitedFor -= 1;
      this.#keep();
    }
  }

  async #jobDone(unit: string, call: Omit<Call, 'destination'>): Promise<JobResult> {
    this.#starting += 1;
    let job: string;
    let early: JobResult | undefined;
    try {
      const [path] = await this.#call(call, unit);
      job = String(path);
      early = this.#early.get(job);
    } finally {
      this.#starting -= 1;
      if (this.#starting === 0) this.#early.clear();
    }
    return early ?? (await this.#jobResult(unit, job));
  }

  #jobResult(unit: string, job: string): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      const done = (action: () => void) => {
        clearTimeout(timer);
        this.#jobs.off(job, onResult);
        this.#jobs.off('lost', onLost);
        action();
      };
      const onResult = (result: JobResult) => done(() => resolve(result));
      const onLost = () => done(() => reject(lost(`${unit}: the message bus has gone meanwhile`)));
      const late = `${unit}: systemd did not finish within ${JOB_TIMEOUT_MS / 1000} s`;
      const timer = setTimeout(
        () => done(() => reject(new TenementError('systemd_failed', late, { hint: seeJournal(unit) }))),
        JOB_TIMEOUT_MS,
      );
      timer.unref();
      this.#jobs.once(job, onResult);
      this.#jobs.once('lost', onLost);
    });
  }

  /** `unit`: whose journal says more when it is refused. */
  async #call(call: Omit<Call, 'destination'>, unit?: string): Promise<readonly unknown[]> {
    const bus = await this.#connection();
    try {
      return await bus.call({ destination: SYSTEMD, ...call });
    } catch (error) {
      throw error instanceof BusError ? refusal(error, call.member, unit) : error;
    }
  }

  #keep(): void {
    const keep = (bus: Bus) => bus.keep(this.#needed || this.#waitedFor > 0);
    // Without a connection #reconnect sees to it.
    this.#bus?.then(keep, () => undefined);
  }

  #connection(): Promise<Bus> {
    if (this.#closed)
      return Promise.reject(new TenementError('systemd_failed', 'the connection to systemd was closed'));
    this.#bus ??= this.#connect().catch((error: unknown) => {
      this.#bus = undefined;
      throw error;
    });
    return this.#bus;
  }

  async #connect(): Promise<Bus> {
    const bus = await Bus.connect(this.#socket);
    bus.on('signal', (signal) => this.#onSignal(signal));
    bus.once('close', () => this.#onClose());
    bus.keep(this.#needed || this.#waitedFor > 0);
    try {
      for (const rule of RULES) await bus.call({ ...DBUS, member: 'AddMatch', signature: 's', body: [rule] });
      await subscribe(bus);
      this.#proven = true;
      return bus;
    } catch (error) {
      bus.close();
      throw error instanceof BusError ? refusal(error, 'Subscribe') : error;
    }
  }

  #onClose(): void {
    this.#bus = undefined;
    this.#early.clear();
    this.#jobs.emit('lost', 'lost');
    this.#reconnect();
  }

  /** Only while somebody waits for news. */
  #reconnect(): void {
    if (this.#closed || !this.#needed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#connection().then(
        () => this.emit('back'),
        () => this.#reconnect(),
      );
    }, RECONNECT_MS);
    this.#retry.unref();
  }

  #onSignal(signal: Signal): void {
    if (signal.interface === MANAGER && signal.member === 'JobRemoved') {
      const [, job, , result] = signal.body as [number, string, string, string];
      // Only while a caller has not learnt its job's path: else they would gather for ever.
      if (!this.#jobs.emit(job, result) && this.#starting > 0) this.#early.set(job, result);
    } else this.emit('signal', signal);
  }
}

async function subscribe(bus: Bus): Promise<void> {
  try {
    await bus.call({ destination: SYSTEMD, path: ROOT, interface: MANAGER, member: 'Subscribe' });
  } catch (error) {
    // A new bus may have given us the name that somebody had on the one before.
    if (!(error instanceof BusError && error.name.endsWith('.AlreadySubscribed'))) throw error;
  }
}

function isAway(error: unknown): boolean {
  const name = error instanceof TenementError ? error.details.name : undefined;
  return isLost(error) || name === 'ServiceUnknown' || name === 'NameHasNoOwner';
}

function seeJournal(unit: string): string {
  return `\`systemctl status '${unit}'\` and \`journalctl -u '${unit}'\` show what systemd says.`;
}

function refusal(error: BusError, what: string, unit?: string): TenementError {
  return new TenementError('systemd_failed', `systemd refuses ${what}: ${error.message}`, {
    ...(unit !== undefined && { hint: seeJournal(unit) }),
    cause: error,
    details: { name: error.name.split('.').at(-1) },
  });
}
