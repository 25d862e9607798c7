/** Between two processes of an instance: the end of the one, and whatever else is to be done while none runs. The next start waits for it. */
import type { Handle } from '../../isolation/contract.js';
import type { Stopwatch } from '../base/clock.js';
import { isAway } from '../base/errors.js';
import type { Log } from '../base/log.js';

interface CleanUpDeps {
  readonly clock: Stopwatch;
  readonly log: Log;
  /** Ends all of a process. */
  readonly stop: (handle: Handle) => Promise<void>;
  /** Settles when the launch under way has failed or given a handle. */
  readonly launching: () => Promise<void>;
  readonly isRunning: () => boolean;
}

/** systemd has been waited for before each time. */
const AGAIN_MS = 5000;

export class CleanUp {
  readonly #deps: CleanUpDeps;
  #done: Promise<void> = Promise.resolve();

  constructor(deps: CleanUpDeps) {
    this.#deps = deps;
  }

  /** Settles when nothing of earlier processes is left, and all is done. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** Runs `action` after what is under way. Rejects as it does, which is logged. */
  run(action: () => Promise<void>): Promise<void> {
    const done = this.#done.then(action);
    this.#done = done.catch((error: unknown) => {
      this.#deps.log.error({ err: error }, 'clean-up failed');
    });
    return done;
  }

  end(handle: Handle): Promise<void> {
    return this.run(() => this.#deps.stop(handle).catch((error: unknown) => this.#later(handle, error)));
  }

  /** While systemd cannot be asked nothing is ended. As soon as it can be that is made up for. */
  #later(handle: Handle, error: unknown): never {
    if (isAway(error)) this.#deps.clock.after(AGAIN_MS, () => void this.#again(handle));
    throw error;
  }

  async #again(handle: Handle): Promise<void> {
    const { launching, isRunning, stop } = this.#deps;
    for (let start: Promise<void> | undefined; start !== launching(); ) {
      start = launching();
      await start;
    }
    // A start has ended it first.
    if (isRunning()) return;
    this.#done = this.#done
      .then(() => stop(handle))
      .catch((error: unknown) => this.#later(handle, error))
      .catch(() => undefined);
  }
}
