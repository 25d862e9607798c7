/** Keeps the entries of this server's instances in a table. Transactions are few: what is asked for while one is under way goes together. */
import { execa } from 'execa';
import { TenementError } from '../../src/base/errors.js';
import { createTable, deleteUnusedTable, dropEntry, type Entry, putEntry, type Table } from './script.js';

/** Runs a script of nft(8), which takes effect as a whole or not at all; what it said when it did not. */
export type RunScript = (lines: readonly string[]) => Promise<string | undefined>;

interface Order {
  readonly lines: readonly string[];
  readonly done: (error?: Error) => void;
}

export class Firewall {
  readonly #table: Table;
  readonly #run: RunScript;
  readonly #gone: () => Promise<void>;
  readonly #held = new Map<string, readonly string[]>();
  /** Whether the table was there after the last transaction. Others may delete it at any time. */
  #isThere = false;
  #waiting: Order[] = [];
  #working = false;

  /** `gone`: called when the table has been deleted because nobody needed it. Must not reject. */
  constructor(table: Table, run: RunScript, gone: () => Promise<void> = async () => undefined) {
    this.#table = table;
    this.#gone = gone;
    this.#run = run;
  }

  get name(): string {
    return this.#table.name;
  }

  /** Chains that this server needs. */
  get held(): Pick<ReadonlySet<string>, 'has' | 'size' | 'keys'> {
    return this.#held;
  }

  /**
   * Resolves when the rules are in force, and the lines with them.
   * @throws TenementError `isolation_unavailable`
   */
  async put(entry: Entry, lines: readonly string[] = []): Promise<void> {
    const all = [...putEntry(this.#table, entry), ...lines];
    this.#held.set(entry.chain, all);
    try {
      await this.#order(all);
    } catch (error) {
      this.#held.delete(entry.chain);
      throw error;
    }
  }

  /**
   * Makes everything again that this server needs, when somebody has deleted the table (`nft flush ruleset`, a firewall that is reloaded);
   * whether that was so. Rejects as put.
   */
  async renew(): Promise<boolean> {
    if (this.#held.size === 0 || this.#working) return false;
    if ((await this.#run([`list table inet ${this.#table.name}`])) === undefined) return false;
    // What has been asked for meanwhile makes the table, too, but not what was in it.
    const lines = [...this.#held.values()].flat();
    if (lines.length === 0) return false;
    await this.#order(lines);
    return true;
  }

  /** Idempotent. */
  async drop(entry: Entry): Promise<void> {
    this.#held.delete(entry.chain);
    await this.#order(dropEntry(this.#table, entry));
  }

  #order(lines: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lines, done: (error) => (error === undefined ? resolve() : reject(error)) });
      if (!this.#working) this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#working = true;
    // What the same turn of the event loop asks for goes together, too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const lines = batch.flatMap((order) => order.lines);
      const last = this.#held.size === 0 && this.#waiting.length === 0;
      const error = last ? await this.#leave(lines) : await this.#apply(lines);
      for (const { done } of batch) done(error);
    }
    this.#working = false;
  }

  async #apply(lines: readonly string[]): Promise<Error | undefined> {
    const whole = [...createTable(this.#table), ...lines];
    const first = await this.#run(this.#isThere ? lines : whole);
    // Somebody else has made or deleted it.
    const second = first === undefined ? undefined : await this.#run(this.#isThere ? whole : lines);
    this.#isThere = second === undefined;
    if (second === undefined) return undefined;
    return new TenementError(
      'isolation_unavailable',
      `nft refuses the rules of the instance's network: ${[...new Set([first, second])].join('; ')}`,
      { hint: NEEDS },
    );
  }

  /** With the last of ours the table goes, too, unless another server needs it. Without a table there is nothing to take away. */
  async #leave(lines: readonly string[]): Promise<undefined> {
    this.#isThere = false;
    const unused = deleteUnusedTable(this.#table);
    let refused = await this.#run([...lines, ...unused]);
    if (refused !== undefined) {
      await this.#run(lines);
      // Two servers that end at once meet each other's chains at first: the second to take its own away finds none.
      refused = await this.#run(unused);
    }
    if (refused === undefined) await this.#gone();
  }
}

export const NEEDS =
  'Install nftables and let the server use it (in a container: CAP_NET_ADMIN), or set `network = "none"` for the service.';

const TIMEOUT_MS = 10_000;

export function nftRunner(nft: string, options: readonly string[] = []): RunScript {
  return async (lines) => {
    const { exitCode, stderr, message } = await execa(nft, [...options, '-f', '-'], {
      input: `${lines.join('\n')}\n`,
      timeout: TIMEOUT_MS,
      reject: false,
      env: { LC_ALL: 'C' },
    });
    if (exitCode === 0) return undefined;
    const said = (stderr ?? '').split('\n').find((line) => line.includes('Error')) ?? stderr;
    return (said || message || 'it failed').trim();
  };
}
