import type { Exit, Handle, Ref } from '../../isolation/contract.js';

let pids = 1000;

/** Holds and lets go at the test's word. */
export class FakeFreezer {
  /** What was asked of it. */
  readonly calls: ('freeze' | 'thaw')[] = [];
  held = false;
  /** The next ones fail. */
  broken = false;
  /** Freezes and thaws take until this is settled. */
  until: Promise<void> = Promise.resolve();

  async freeze(): Promise<void> {
    await this.#do('freeze');
    this.held = true;
  }

  async thaw(): Promise<void> {
    await this.#do('thaw');
    this.held = false;
  }

  async isFrozen(): Promise<boolean> {
    return this.held;
  }

  async #do(call: 'freeze' | 'thaw'): Promise<void> {
    this.calls.push(call);
    await this.until;
    if (this.broken) throw new Error('the freezer is broken');
  }
}

/** A process that does what the test says: it exits on `exit`, and is gone once `stop` was called and, if `holds`, `letGo` too. */
export class FakeHandle implements Handle {
  readonly ref: Ref;
  readonly address: { host: string; port: number };
  readonly exited: Promise<Exit>;
  /** The graces of all `stop` calls, milliseconds. */
  readonly stops: number[] = [];
  readonly freezer?: FakeFreezer;
  readonly listener?: NonNullable<Handle['listener']>;
  /** What stops fail with, while it is set. */
  unstoppable: Error | undefined;
  /** Nothing of it is left. */
  gone = false;
  #exit: (exit: Exit) => void = () => {};
  #gone: () => void = () => {};
  readonly #isGone: Promise<void>;
  readonly #holds: boolean;

  constructor(
    options: {
      holds?: boolean;
      startedAt?: number;
      address?: { host: string; port: number };
      freezer?: FakeFreezer;
      listener?: NonNullable<Handle['listener']>;
    } = {},
  ) {
    this.address = options.address ?? { host: '127.0.0.1', port: 1 };
    this.#holds = options.holds ?? false;
    if (options.freezer !== undefined) this.freezer = options.freezer;
    if (options.listener !== undefined) this.listener = options.listener;
    pids += 1;
    this.ref = {
      version: 1,
      backend: 'process',
      run: `run-${pids}`,
      pid: pids,
      startTime: '1',
      bootId: 'boot',
      address: this.address,
      cgroup: undefined,
      uid: undefined,
      startedAt: options.startedAt ?? 1_000_000_000_000,
    };
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
    this.#isGone = new Promise((resolve) => {
      this.#gone = resolve;
    });
  }

  /** The main process ends. */
  exit(code: number | null = 1, signal: string | null = null): void {
    this.#exit({ code, signal, oom: false, at: 0, unknown: false });
  }

  /** For one that `holds`: the rest of its tree ends, too. */
  letGo(): void {
    this.gone = true;
    this.exit(null, 'SIGTERM');
    this.#gone();
  }

  stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.stops.push(graceMs);
    if (this.unstoppable !== undefined) return Promise.reject(this.unstoppable);
    if (!this.#holds) this.letGo();
    return this.#isGone;
  }

  detach(): void {}
}
