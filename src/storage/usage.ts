import { setPriority } from 'node:os';
import { execa } from 'execa';
import type { Stopwatch } from '../base/clock.js';
import { TenementError } from '../base/errors.js';
import type { Log } from '../base/log.js';

/** A measurement is good for this long: `ten ps`, the dashboard and the quota ask at about the same time. */
const FRESH_MS = 2000;
/** Walks at once: more would only make the disk seek. */
const CONCURRENT = 2;
const TIMEOUT_MS = 120_000;
const MOST_REMEMBERED = 1000;

/** Measures what directories take on disk. */
export interface UsageMeter {
  /**
   * Allocated bytes of the directories together: sparse files count by their blocks, hard links once, symbolic links as themselves,
   * other mounts not at all. Directories that do not exist count 0. Equal requests share one walk; the result may be 2 s old.
   * @throws TenementError internal when the walk fails or does not end within 2 minutes
   */
  measure(directories: readonly string[]): Promise<number>;
  /** Ends the walks under way; their callers get an error. */
  close(): Promise<void>;
}

/**
 * Uses du(1): a walk over a million files neither holds our event loop nor our memory, can be killed, and takes a tenth of the time
 * of lstat calls from JavaScript. The flags are those that GNU, BSD (macOS) and busybox have in common.
 */
export function createUsageMeter(options: { clock: Stopwatch; log: Log }): UsageMeter {
  return new DuMeter(options.clock, options.log);
}

class DuMeter implements UsageMeter {
  readonly #known = new Map<string, { at: number; bytes: number }>();
  readonly #underWay = new Map<string, Promise<number>>();
  readonly #queue: (() => void)[] = [];
  readonly #closing = new AbortController();
  #running = 0;

  constructor(
    private readonly clock: Stopwatch,
    private readonly log: Log,
  ) {}

  measure(directories: readonly string[]): Promise<number> {
    const unique = [...new Set(directories)].sort();
    if (unique.length === 0) return Promise.resolve(0);
    const key = unique.join('\0');
    const known = this.#known.get(key);
    if (known !== undefined && this.clock.monotonic() - known.at < FRESH_MS) {
      return Promise.resolve(known.bytes);
    }
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const walk = this.#walk(unique)
      .then((bytes) => this.#remember(key, bytes))
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, walk);
    return walk;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const next of this.#queue.splice(0)) next();
    await Promise.allSettled(this.#underWay.values());
  }

  async #walk(directories: readonly string[]): Promise<number> {
    await this.#turn();
    try {
      this.#closing.signal.throwIfAborted();
      return await this.#du(directories);
    } catch (error) {
      if (error instanceof TenementError) throw error;
      throw failed(directories, this.#closing.signal.aborted ? 'the server is shutting down' : String(error));
    } finally {
      this.#running -= 1;
      this.#queue.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#running >= CONCURRENT && !this.#closing.signal.aborted) {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
    this.#running += 1;
  }

  async #du(directories: readonly string[]): Promise<number> {
    // Files come and go during the walk: du then complains and exits with 1, but its sum is right.
    const du = execa('du', ['-s', '-k', '-x', '-c', '--', ...directories], {
      reject: false,
      timeout: TIMEOUT_MS,
      cancelSignal: this.#closing.signal,
      stdin: 'ignore',
      env: { LC_ALL: 'C' },
      maxBuffer: 1024 * 1024,
    });
    lowerPriority(du.pid);
    const result = await du;
    const total = /(?:^|\n)(\d+)\s+total\s*$/.exec(result.stdout)?.[1];
    if (total === undefined || result.exitCode === undefined) {
      throw failed(
        directories,
        this.#closing.signal.aborted ? 'the server is shutting down' : (result.shortMessage ?? ''),
      );
    }
    if (result.stderr.includes('Permission denied')) {
      this.log.warn(
        { directories },
        'parts of an instance may not be read: its disk usage is more than shown',
      );
    }
    return Number(total) * 1024;
  }

  #remember(key: string, bytes: number): number {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    this.#known.delete(key);
    this.#known.set(key, { at: this.clock.monotonic(), bytes });
    return bytes;
  }
}

/** Requests come before counting. */
function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, 10);
  } catch {
    // It has ended already.
  }
}

function failed(directories: readonly string[], reason: string): TenementError {
  return new TenementError('internal', `${directories.join(', ')} could not be measured: ${reason}`, {
    hint: 'Check that du(1) is on the PATH and that the disk answers.',
  });
}
