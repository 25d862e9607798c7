import { DialWindow } from './dial-window.js';

/** Who waits for a connection. */
export interface DialWaiter<U> {
  readonly user: U;
  /** Takes a connection that is open already; false: there is none for it. */
  reuse(now: number): boolean;
  dial(now: number): void;
}

/** Those that wait for a connection to one instance because the window is full, in their order. */
export class DialQueue<U> {
  readonly window = new DialWindow();
  #waiters: DialWaiter<U>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #called = false;

  get empty(): boolean {
    return this.#waiters.length === 0;
  }

  /** Nobody waits, and one more may be dialled. */
  open(now: number): boolean {
    return this.#waiters.length === 0 && this.window.waitMs(now) === 0;
  }

  add(waiter: DialWaiter<U>, now: number): void {
    this.#waiters.push(waiter);
    this.#arm(now);
  }

  leave(user: U): void {
    if (this.#waiters.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.user !== user);
  }

  /** Something may have become free. Acts after the caller, who is amid a request of somebody else. */
  call(): void {
    if (this.#waiters.length === 0 || this.#called) return;
    this.#called = true;
    queueMicrotask(() => {
      this.#called = false;
      this.#serve(performance.now());
    });
  }

  /** Lets everybody go: whoever still waits is dialled now. */
  flush(now: number): void {
    clearTimeout(this.#timer);
    for (const waiter of this.#waiters.splice(0)) waiter.dial(now);
  }

  #serve(now: number): void {
    for (let next = this.#waiters[0]; next !== undefined; next = this.#waiters[0]) {
      // It leaves first: it may fail at once, and whoever then looks must not find it here.
      this.#waiters.shift();
      if (next.reuse(now)) continue;
      if (this.window.waitMs(now) > 0) {
        this.#waiters.unshift(next);
        break;
      }
      next.dial(now);
    }
    this.#arm(now);
  }

  #arm(now: number): void {
    clearTimeout(this.#timer);
    if (this.#waiters.length === 0) return;
    this.#timer = setTimeout(() => this.#serve(performance.now()), Math.max(1, this.window.waitMs(now)));
  }
}
