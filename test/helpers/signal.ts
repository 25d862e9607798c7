/** Lets a test wait for a condition over things that happen, without polling: whoever changes something calls `notify`. */
export class Signal {
  readonly #waiting = new Set<() => void>();

  notify(): void {
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves with the first result of `look` that is not undefined; rejects with what it throws, or after a generous bound. */
  when<T>(look: () => T | undefined, what: () => string, boundMs = 60_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`timed out waiting for ${what()}`));
      }, boundMs);
      const finish = (act: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        act();
      };
      const check = () => {
        try {
          const found = look();
          if (found !== undefined) finish(() => resolve(found));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      this.#waiting.add(check);
      check();
    });
  }
}
