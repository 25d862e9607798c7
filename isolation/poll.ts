/** Waits `ms`; the timer keeps the process alive, because somebody waits for what it leads to. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Pauses of growing length: what mostly ends at once is noticed at once, and what never ends costs next to nothing. */
export class Pauses {
  #next = 1;

  /** Waits 1, 2, 4 ... up to 100 ms. */
  async wait(): Promise<void> {
    await pause(this.#next);
    this.#next = Math.min(this.#next * 2, 100);
  }
}
