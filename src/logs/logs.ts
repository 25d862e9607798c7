import { chmodSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock, type Timer } from '../base/clock.js';
import { TenementError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { assertName, formatKey, type InstanceKey } from '../base/names.js';
import { Followers } from './followers.js';
import { HolePunch } from './hole-punch.js';
import { InstanceLog } from './instance-log.js';
import { DEFAULT_LIMITS, type LogLimits } from './limits.js';
import { Pump } from './pump.js';
import { queryEntries } from './query.js';
import type { LogEntry, LogFilter, Logs } from './types.js';
import { FileWatch } from './watch.js';

/** Where changes cannot be watched, sizes are looked at this often; all files every fifth time, in case a change was not told. */
const POLL_MS = 1000;
const POLL_ALL_EVERY = 5;

interface Followed {
  readonly log: InstanceLog;
  watch: FileWatch | undefined;
}

/**
 * The logs of all instances below `dir` (`{data_dir}/.tenement/logs`). Apps append to raw files on their own; lines are read from
 * there and stored as entries, so neither side waits for the other and the death of one does not disturb the other.
 */
export function createLogs(options: {
  dir: string;
  log: Log;
  clock?: Clock;
  limits?: Partial<LogLimits>;
}): Logs {
  return new InstanceLogs(options.dir, options.log, options.clock ?? systemClock, {
    ...DEFAULT_LIMITS,
    ...options.limits,
  });
}

class InstanceLogs implements Logs {
  readonly #open = new Map<string, Followed>();
  readonly #followers: Followers;
  readonly #punch: HolePunch;
  readonly #pump: Pump;
  #poll: Timer | undefined;
  #polls = 0;
  #closed = false;

  constructor(
    private readonly dir: string,
    private readonly log: Log,
    private readonly clock: Clock,
    private readonly limits: LogLimits,
  ) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    chmodSync(dir, 0o700);
    this.#followers = new Followers(log);
    this.#punch = new HolePunch(log);
    this.#pump = new Pump(clock, limits.bytesPerSecond, (error) =>
      this.log.warn({ err: error }, 'reading logs'),
    );
    this.#armPoll();
  }

  open(key: InstanceKey, options: { idle?: boolean } = {}): { stdout: string; stderr: string } {
    const followed = this.#openForStart(key);
    if (options.idle) followed.log.beforeStart();
    const { paths } = followed.log;
    followed.watch ??= new FileWatch([paths.stdout, paths.stderr], () => this.#pump.schedule(followed.log));
    this.#pump.schedule(followed.log);
    return paths;
  }

  async flush(key: InstanceKey): Promise<void> {
    try {
      await this.#open.get(formatKey(key))?.log.flush();
    } catch (error) {
      // Whoever handles an exit must come to its end, disk full or not.
      this.#warn(error);
    }
  }

  note(key: InstanceKey, message: string): void {
    try {
      const { log } = this.#get(key);
      log.note(message);
      this.#pump.schedule(log);
    } catch (error) {
      this.#warn(error);
    }
  }

  query(filter: LogFilter, limit: number): Promise<LogEntry[]> {
    return queryEntries(this.dir, filter, limit);
  }

  follow(filter: LogFilter, onEntry: (entry: LogEntry) => void): () => void {
    return this.#followers.add(filter, onEntry);
  }

  async close(key: InstanceKey): Promise<void> {
    const followed = this.#open.get(formatKey(key));
    if (followed === undefined) return;
    followed.watch?.close();
    followed.watch = undefined;
    let failed = false;
    do {
      await followed.log.settle().catch((error: unknown) => {
        failed = true;
        this.#warn(error);
      });
      // Opened again meanwhile: then it stays.
      if (followed.watch !== undefined || this.#open.get(formatKey(key)) !== followed) return;
    } while (followed.log.busy || (followed.log.hasNotes && !failed));
    await this.#forget(followed.log);
  }

  async remove(key: InstanceKey): Promise<void> {
    await this.close(key);
    await rm(this.#dirOf(key), { recursive: true, force: true });
  }

  async closeAll(): Promise<void> {
    this.#closed = true;
    this.#poll?.cancel();
    this.#pump.stop();
    await Promise.all([...this.#open.values()].map(({ log }) => this.close(log.key)));
  }

  async #forget(log: InstanceLog): Promise<void> {
    this.#pump.cancel(log);
    this.#open.delete(formatKey(log.key));
    await log.retire().catch((error: unknown) => this.#warn(error));
  }

  #openForStart(key: InstanceKey): Followed {
    try {
      return this.#get(key);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TenementError(
        'start_failed',
        `The log files of ${formatKey(key)} cannot be made: ${reason}`,
        {
          hint: 'Check the space left on the disk and the owner of `{data_dir}/.tenement/logs`.',
          cause: error,
        },
      );
    }
  }

  #get(key: InstanceKey): Followed {
    const name = formatKey(key);
    let followed = this.#open.get(name);
    if (followed === undefined) {
      const log = new InstanceLog(key, this.#dirOf(key), {
        clock: this.clock,
        limits: this.limits,
        punch: this.#punch,
        onEntries: (entries) => this.#followers.tell(entries),
      });
      followed = { log, watch: undefined };
      this.#open.set(name, followed);
    }
    return followed;
  }

  /** Checked once more although callers have: a name with "../" would delete what is not a log. */
  #dirOf(key: InstanceKey): string {
    assertName(key.service, 'service');
    assertName(key.id, 'id');
    return join(this.dir, key.service, key.id);
  }

  #warn(error: unknown): void {
    this.log.warn({ err: error }, 'logs of an instance');
  }

  #armPoll(): void {
    if (this.#closed) return;
    this.#poll = this.clock.after(POLL_MS, () => {
      this.#polls += 1;
      const all = this.#polls % POLL_ALL_EVERY === 0;
      for (const { log, watch } of this.#open.values()) {
        // Only noted, not followed: it goes once its notes are stored.
        if (watch === undefined && !log.hasNotes && !log.busy) void this.#forget(log);
        else if ((all || !watch?.complete) && log.hasNews) this.#pump.schedule(log);
      }
      this.#armPoll();
    });
  }
}
