/** Runs asynchronous actions one after the other, in the order of the calls. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();
  #open = 0;

  get busy(): boolean {
    return this.#open > 0;
  }

  run<T>(action: () => Promise<T>): Promise<T> {
    this.#open += 1;
    const result = this.#last.then(action);
    const done = (): void => {
      this.#open -= 1;
    };
    this.#last = result.then(done, done);
    return result;
  }
}
