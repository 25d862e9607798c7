import { close, open, write } from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf } from '../../base/errors.js';
import { afterRunning } from '../../base/running-time.js';

const openFile = promisify(open);
const closeFile = promisify(close);

/** Written when so much has come together, or after FLUSH_MS. */
const BUFFER_BYTES = 64 * 1024;
const FLUSH_MS = 1000;
/** Kept for a disk or a reader that does not follow; more is dropped. Stops: a full pipe that fills our memory. */
const MOST_WAITING = 8 * 1024 * 1024;
/** Between two tries on a pipe that is full. */
const RETRY_MS = 50;
/** Longest wait of `close` for the last lines: a pipe that nobody reads must not keep the server from ending. */
const CLOSE_MS = 1000;

/** Buffers of what is written, for what comes. */
const MOST_SPARE = 2;

/**
 * Lines on their way to a file or to standard output, in the order in which they came, with few system calls and none on the event
 * loop. What can't be written is dropped and told; the file is opened anew with the next lines.
 *
 * Lines are put into a buffer at once: kept as strings, each would be moved by the garbage collector before it is written.
 */
export class LineFile {
  readonly #to: string | 1;
  readonly #tell: (problem: string, error?: unknown) => void;
  /** Full ones, in order. */
  #full: Buffer[] = [];
  #filling: Buffer | undefined;
  /** Bytes in `#filling`. */
  #used = 0;
  /** Bytes that were handed in and are not out. */
  #waiting = 0;
  readonly #spare: Buffer[] = [];
  #fd: number | undefined;
  #stale = false;
  #flushing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `to`: a path, or 1 for standard output. */
  constructor(to: string | 1, tell: (problem: string, error?: unknown) => void) {
    this.#to = to;
    this.#tell = tell;
  }

  /** A line of ASCII, with its end. */
  write(line: string): void {
    if (this.#closed) return;
    if (this.#waiting > MOST_WAITING) {
      this.#tell('lines are dropped: the writing does not follow');
      return;
    }
    const { length } = line;
    this.#waiting += length;
    if (length > BUFFER_BYTES - this.#used) this.#turn();
    if (length > BUFFER_BYTES) this.#full.push(Buffer.from(line, 'latin1'));
    else {
      this.#filling ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
      this.#used += this.#filling.write(line, this.#used, 'latin1');
    }
    if (this.#full.length > 0) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  /** What has come so far is ready to be written. */
  #turn(): void {
    if (this.#filling !== undefined) this.#full.push(this.#filling.subarray(0, this.#used));
    this.#filling = undefined;
    this.#used = 0;
  }

  /** Goes on in a new file: the old one was moved away. */
  reopen(): void {
    this.#stale = true;
    this.#flush();
  }

  /** Writes what has come, for `withinMs` at most. Idempotent. */
  async close(withinMs = CLOSE_MS): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    let cancel = () => {};
    const bound = new Promise<void>((resolve) => {
      cancel = afterRunning(withinMs, resolve);
    });
    await Promise.race([this.#finish(), bound]);
    cancel();
  }

  async #finish(): Promise<void> {
    await this.#flushing;
    this.#flush();
    await this.#flushing;
    await this.#release();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing ??= this.#drain().finally(() => {
      this.#flushing = undefined;
    });
  }

  async #drain(): Promise<void> {
    this.#turn();
    do {
      for (let part = this.#full.shift(); part !== undefined; part = this.#full.shift()) {
        await this.#writeOut(part);
        this.#waiting -= part.length;
        this.#keep(part);
      }
      // The new file is there at once.
      if (this.#stale) await this.#writeOut(Buffer.alloc(0));
    } while (this.#full.length > 0 || this.#stale);
    if (this.#waiting > 0 && !this.#closed) this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  async #writeOut(part: Buffer): Promise<void> {
    try {
      await writeAll(await this.#ready(), part);
    } catch (error) {
      this.#tell('it cannot be written', error);
      await this.#release();
    }
  }

  #keep({ buffer, byteOffset }: Buffer): void {
    if (buffer.byteLength === BUFFER_BYTES && this.#spare.length < MOST_SPARE)
      this.#spare.push(Buffer.from(buffer, byteOffset, BUFFER_BYTES));
  }

  async #ready(): Promise<number> {
    if (this.#to === 1) {
      this.#stale = false;
      return 1;
    }
    if (this.#stale) await this.#release();
    this.#stale = false;
    // Not for everyone: it says who visits whom.
    this.#fd ??= await openFile(this.#to, 'a', 0o640);
    return this.#fd;
  }

  async #release(): Promise<void> {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) await closeFile(fd).catch(() => {});
  }
}

async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const written = await writeSome(fd, bytes.subarray(at));
    if (written === 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    at += written;
  }
}

/** 0: a pipe that does not block is full. */
function writeSome(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, written) => {
      if (error === null) resolve(written);
      else if (errnoOf(error) === 'EAGAIN') resolve(0);
      else reject(error);
    });
  });
}
