/** Runs while it is the app's move: to take the connection, to read, to answer. While the client sends, it stands still. */
export class ResponseTimer {
  #timer: NodeJS.Timeout | undefined;
  readonly #ms: number;
  readonly #expired: () => void;

  constructor(ms: number, expired: () => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  /** Starts from zero. */
  restart(): void {
    // setTimeout wraps above 2^31-1 ms and would fire at once.
    if (this.#timer === undefined) this.#timer = setTimeout(this.#expired, Math.min(this.#ms, 0x7fffffff));
    else this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
