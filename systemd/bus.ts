/** One connection to a message bus: calls with a time limit, signals, and news of its end. Low-level messages of dbus-next only. */
import { EventEmitter, setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import dbus from 'dbus-next';
import { TenementError } from '../src/base/errors.js';

export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Types of the arguments, as in the D-Bus specification; empty when there are none. */
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

export interface Signal {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

/** An error that the other side has answered with; `name` is D-Bus's, such as org.freedesktop.systemd1.NoSuchUnit. */
export class BusError extends Error {
  override readonly name: string;
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Whether it failed because the connection ended: whether it was carried out is not known. */
export function isLost(error: unknown): boolean {
  return error instanceof TenementError && error.details.lost === true;
}

export function lost(what: string): TenementError {
  return new TenementError('systemd_away', what, {
    details: { lost: true },
  });
}

/** Longer than any answer takes of a systemd that is busy starting hundreds of units. */
const CALL_TIMEOUT_MS = 25_000;
const CONNECT_TIMEOUT_MS = 5000;
/** Calls that wait for their answers at once. A bus refuses more than 128 of a connection (dbus-daemon(1), max_replies_per_connection). */
const MOST_CALLS = 64;
const { Message, MessageType } = dbus;

/** Emits `signal` (Signal) and, once, `close`. */
export class Bus extends EventEmitter<{ signal: [Signal]; close: [] }> {
  readonly #bus: dbus.MessageBus;
  readonly #lost = new AbortController();
  readonly #stream: Socket;
  #waiting = 0;
  #sent = 0;
  /** In order of their turn. */
  readonly #queue: (() => void)[] = [];
  #kept = false;

  /** @throws TenementError `systemd_away` when nobody answers on the socket `path`. */
  static async connect(path: string): Promise<Bus> {
    const failed = (why: string, cause?: unknown) =>
      new TenementError('systemd_away', `the message bus ${path} cannot be used: ${why}`, {
        hint: 'Install dbus, and look at `systemctl status dbus`.',
        details: { lost: true },
        cause,
      });
    // The library cannot read what is escaped in an address.
    if (/[:;,=%]/.test(path)) throw failed('its path has one of : ; , = %');
    // `socket=` and not `path=`: that one would ask for a native module for descriptors, which are never passed here.
    const bus = dbus.sessionBus({ busAddress: `unix:socket=${path}`, authMethods: ['EXTERNAL'] });
    const connection = new Bus(bus);
    try {
      await new Promise<void>((resolve, reject) => {
        setTimeout(() => reject(failed('nobody answers')), CONNECT_TIMEOUT_MS).unref();
        connection.once('close', () => reject(failed('the connection ended')));
        bus.once('error', (error: unknown) => reject(failed(String(error), error)));
        bus.on('connect', resolve);
      });
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  private constructor(bus: dbus.MessageBus) {
    super();
    this.#bus = bus;
    // One for each call under way.
    setMaxListeners(0, this.#lost.signal);
    bus.on('message', (message) => {
      if (message.type !== MessageType.SIGNAL) return;
      const { path, interface: from, member, body } = message;
      this.emit('signal', { path, interface: from, member, body });
    });
    bus.on('error', () => this.#end());
    // The library tells nobody that the bus has gone, and leaves calls without an answer for ever.
    const { stream } = (bus as unknown as { readonly _connection: { readonly stream: Socket } })._connection;
    this.#stream = stream;
    stream.on('close', () => this.#end());
    stream.on('end', () => this.#end());
  }

  /**
   * The arguments of the answer. 64-bit numbers come and go as bigint.
   * @throws BusError; TenementError `systemd_away` when the connection has ended, `systemd_failed` when no answer came
   */
  async call(call: Call): Promise<readonly unknown[]> {
    this.#waiting += 1;
    this.#hold();
    try {
      await this.#turn();
      try {
        return await this.#send(call);
      } finally {
        this.#sent -= 1;
        this.#queue.shift()?.();
      }
    } finally {
      this.#waiting -= 1;
      this.#hold();
    }
  }

  /** When the connection ends those who wait come through, too, and are told. */
  async #turn(): Promise<void> {
    while (this.#sent >= MOST_CALLS) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#sent += 1;
  }

  async #send({ signature = '', body = [], ...target }: Call): Promise<readonly unknown[]> {
    const gone = this.#lost.signal;
    const what = `${target.interface}.${target.member}`;
    if (gone.aborted) throw lost(`${what}: the message bus is gone`);
    let timer: NodeJS.Timeout | undefined;
    let onGone = () => {};
    const broken = new Promise<never>((_, reject) => {
      onGone = () => reject(lost(`${what}: the message bus is gone`));
      gone.addEventListener('abort', onGone, { once: true });
      const late = `${what}: no answer within ${CALL_TIMEOUT_MS / 1000} s`;
      timer = setTimeout(() => reject(new TenementError('systemd_failed', late)), CALL_TIMEOUT_MS);
      timer.unref();
    });
    try {
      const sent = this.#bus.call(new Message({ ...target, signature, body: [...body] }));
      const reply = await Promise.race([sent, broken]);
      return reply?.body ?? [];
    } catch (error) {
      if (error instanceof dbus.DBusError) throw new BusError(error.type, error.text);
      if (error instanceof TenementError) throw error;
      // The library throws when it writes to what has just been closed.
      throw lost(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      clearTimeout(timer);
      gone.removeEventListener('abort', onGone);
    }
  }

  /** Whether the connection keeps the program running also while no answer is awaited. */
  keep(kept: boolean): void {
    this.#kept = kept;
    this.#hold();
  }

  #hold(): void {
    if (this.#kept || this.#waiting > 0) this.#stream.ref();
    else this.#stream.unref();
  }

  close(): void {
    this.#bus.disconnect();
    this.#end();
  }

  #end(): void {
    if (this.#lost.signal.aborted) return;
    this.#lost.abort();
    this.emit('close');
  }
}

/** Where the manager's bus is: the system's for root, else the user's own; undefined when systemd does not run here. */
export function busSocket(root: boolean, env: NodeJS.ProcessEnv): string | undefined {
  if (root) return '/run/dbus/system_bus_socket';
  return env.XDG_RUNTIME_DIR === undefined ? undefined : `${env.XDG_RUNTIME_DIR}/bus`;
}
