import { unwatchClosing, watchClosing } from './closings.js';
import { DialQueue } from './dial-queue.js';
import { type Listed, Roster } from './roster.js';
import type { UpstreamConnection, UpstreamUser } from './upstream-connection.js';
import type { UpstreamAddress } from './upstreams.js';

/** An idle connection is closed after this time, in milliseconds: sooner than common servers do it (5 s in Node, 75 s in nginx). */
const KEEP_MS = 4000;
/** ... as long as the app may be one that serves a single connection at a time. */
const KEEP_SERIAL_MS = 1000;
/**
 * Accident stopped: a POST on a connection that the app is closing at that moment is lost, and must not be sent again. So it goes on a
 * connection that has been idle for at most this time, and for half of what the app is known to keep one.
 */
const RECENT_MS = 300;
/** What was seen for less says nothing about how long an app keeps a connection: one may close each of them a moment behind its answer. */
const LEAST_KEPT_MS = 100;
/** What an app says about its timeout is counted from its side: some of it is gone when we read it. */
const MARGIN_MS = 500;
const MOST_IDLE = 256;
/** How long an idle connection is kept beside one that waits for its first answer, to see whether the app serves both. */
const GRACE_MS = 20;
/** How long an app that did not is taken for a serial one. */
const SERIAL_MS = 10_000;

/**
 * The connections to one instance.
 *
 * Many apps are single-threaded and serve one connection until it ends: with such a *serial* app an idle connection keeps every other
 * one waiting. An app is known to be concurrent when the first answer on one connection came while another one that had been
 * served before was open. Until that is seen, an idle connection is closed soon where another one waits, and after a second in any case.
 */
export class Pool implements Listed {
  /** Among those that listen to the instance's `closing`. */
  place = -1;
  readonly address: UpstreamAddress;
  /** In the order of their last use. */
  readonly idle: UpstreamConnection[] = [];
  /** In use. */
  readonly busy = new Roster<UpstreamConnection>();
  /** Who waits until a connection may be dialled. */
  readonly queue = new DialQueue<UpstreamUser>();
  #concurrent = false;
  /** How long a connection was seen idle and still open, in milliseconds. */
  #keptMs = 0;
  #serialUntil = 0;
  #grace: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;

  constructor(address: UpstreamAddress) {
    this.address = address;
  }

  /** The instance's `closing` ends idle connections. */
  watch(signal: AbortSignal): void {
    if (signal === this.#signal) return;
    if (this.#signal !== undefined) unwatchClosing(this.#signal, this);
    this.#signal = signal;
    watchClosing(signal, this);
  }

  closing(): void {
    this.#signal = undefined;
    this.dropIdle();
  }

  dropIdle(): void {
    for (const connection of this.idle.splice(0)) connection.destroy();
  }

  forget(): void {
    clearTimeout(this.#grace);
    if (this.#signal !== undefined) unwatchClosing(this.#signal, this);
    this.dropIdle();
  }

  /** The connection that was used last. `recent`: only one that the app can't be about to close. */
  take(recent: boolean, now: number): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.idle.at(-1);
      if (connection === undefined) return undefined;
      const idleMs = now - connection.idleSince;
      if (recent && idleMs >= Math.min(RECENT_MS, this.#keptMs / 2)) return undefined;
      this.idle.pop();
      if (!connection.socket.destroyed && idleMs < this.#keepMs(connection)) {
        this.busy.add(connection);
        return connection;
      }
      connection.destroy();
    }
  }

  /** A connection was opened, and waits for its first answer. */
  opened(connection: UpstreamConnection, now: number): void {
    this.busy.add(connection);
    this.queue.window.dialled(now);
    if (this.#concurrent || this.idle.length === 0) return;
    if (now < this.#serialUntil) this.dropIdle();
    else this.#tryBoth();
  }

  /** The first answer on a connection. */
  answered(connection: UpstreamConnection): void {
    connection.answered = true;
    this.#concurrent ||=
      this.busy.some((other) => other !== connection && other.answered) ||
      this.idle.some((other) => !other.socket.destroyed);
    if (!this.busy.has(connection)) return;
    this.queue.window.answered(this.#concurrent);
    this.queue.call();
  }

  /** Takes a connection back, to keep it if that makes sense. */
  keep(connection: UpstreamConnection, now: number): void {
    this.busy.delete(connection);
    const othersWait = !this.#concurrent && this.#oneWaits();
    if (
      (othersWait && now < this.#serialUntil) ||
      this.idle.length >= MOST_IDLE ||
      connection.keepMs <= MARGIN_MS
    ) {
      connection.destroy();
      return;
    }
    connection.leave(now);
    this.idle.push(connection);
    this.queue.call();
    if (othersWait) this.#tryBoth();
  }

  /** A connection in use is given up. */
  dropped(connection: UpstreamConnection): void {
    if (!this.busy.has(connection)) return;
    this.busy.delete(connection);
    if (connection.answered) return;
    this.queue.window.ended();
    this.queue.call();
  }

  /** The app has closed an idle connection, or spoilt it. */
  lost(connection: UpstreamConnection, now: number): void {
    const at = this.idle.indexOf(connection);
    if (at !== -1) this.idle.splice(at, 1);
    this.#keptMs = Math.min(this.#keptMs, (now - connection.idleSince) / 2);
  }

  sweep(now: number): void {
    const [oldest] = this.idle;
    const seenMs = oldest === undefined ? 0 : now - oldest.idleSince;
    if (seenMs >= LEAST_KEPT_MS) this.#keptMs = Math.max(this.#keptMs, seenMs);
    let old = 0;
    for (const connection of this.idle) {
      if (now - connection.idleSince < this.#keepMs(connection)) break;
      old += 1;
    }
    for (const connection of this.idle.splice(0, old)) connection.destroy();
  }

  #keepMs(connection: UpstreamConnection): number {
    return Math.min(connection.keepMs - MARGIN_MS, this.#concurrent ? KEEP_MS : KEEP_SERIAL_MS);
  }

  #tryBoth(): void {
    this.#grace ??= setTimeout(() => {
      this.#grace = undefined;
      if (this.#concurrent || !this.#oneWaits() || this.idle.length === 0) return;
      this.#serialUntil = performance.now() + SERIAL_MS;
      this.dropIdle();
    }, GRACE_MS);
  }

  #oneWaits(): boolean {
    return this.busy.some((other) => !other.answered);
  }
}
