import { closeSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import type { LogLimits } from './limits.js';
import { LineSplitter, type RawLine } from './lines.js';

/** What one read found. */
interface RawRead {
  readonly lines: readonly RawLine[];
  /** Bytes that were passed over unread because the app was too far ahead. They come before `lines`. */
  readonly dropped: number;
  /** There is more to read. */
  readonly more: boolean;
}

const NOTHING: RawRead = { lines: [], dropped: 0, more: false };

/** Reads one raw file that an app appends to, from where we were to its end, in bounded steps. Not for concurrent calls. */
export class RawStream {
  readonly #splitter: LineSplitter;
  /** All bytes before it were read. */
  #position: number;
  /** Nothing more will be written to a line that ends here: the process that wrote it has ended. */
  #boundary: number | undefined;

  constructor(
    readonly name: 'stdout' | 'stderr',
    readonly path: string,
    offset: number,
    private readonly limits: LogLimits,
  ) {
    this.#splitter = new LineSplitter(limits.lineBytes, limits.unfinishedBytes);
    this.#position = offset;
  }

  /** All bytes before it are in lines that were handed out, or were dropped. */
  get consumed(): number {
    return this.#position - this.#splitter.pending;
  }

  /** Whether everything up to the last `endLineAt` was read. */
  get reachedBoundary(): boolean {
    return this.#boundary === undefined;
  }

  /** The size of the file; 0 when it is gone. */
  size(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  hasNews(size: number): boolean {
    return size !== this.#position || this.#boundary !== undefined;
  }

  /** What is there now was written by a process that has ended: its last line counts as a line, with or without a line feed. */
  endLineAt(size: number): void {
    this.#boundary = size;
  }

  /** Goes back to an earlier `consumed`: what was handed out since could not be stored. */
  rewind(offset: number): void {
    this.#position = offset;
    this.#splitter.reset(false);
  }

  /** Empties the file when all of it was consumed. Bytes that come between the look at the size and the cut are lost. */
  truncateIfConsumed(): boolean {
    if (this.#position === 0 || this.#splitter.pending > 0 || this.size() !== this.#position) return false;
    truncateSync(this.path, 0);
    this.#position = 0;
    return true;
  }

  /** Empties the file whatever is in it; returns how many bytes nobody has read. For floods where read bytes cannot be freed in place. */
  truncateNow(): number {
    const unread = Math.max(0, this.size() - this.consumed);
    truncateSync(this.path, 0);
    this.#position = 0;
    this.#boundary = undefined;
    this.#splitter.reset(true);
    return unread;
  }

  /**
   * Reads the next chunk. Synchronous on purpose: what an app has just written is in the page cache, where a read takes a tenth of
   * what a round trip through the thread pool costs, and hundreds of apps that log a line a second must not cost a core.
   */
  read(): RawRead {
    const size = this.size();
    if (!this.hasNews(size)) return NOTHING;
    if (size < this.#position) this.#startOver();
    const dropped = this.#skipAhead(size);
    // Not past the boundary: what follows it is another process's first line.
    if (this.#boundary !== undefined) this.#boundary = Math.min(this.#boundary, size);
    const wanted = Math.min(this.limits.chunkBytes, (this.#boundary ?? size) - this.#position);
    const chunk = this.#readBytes(wanted);
    const lines = this.#splitter.push(chunk);
    this.#position += chunk.length;
    if (this.#boundary !== undefined && this.#position >= this.#boundary) {
      this.#boundary = undefined;
      const last = this.#splitter.end();
      if (last !== undefined) lines.push(last);
    }
    return { lines, dropped, more: this.#position < size && wanted > 0 };
  }

  #readBytes(wanted: number): Buffer {
    if (wanted <= 0) return Buffer.alloc(0);
    const fd = openSync(this.path, 'r');
    try {
      const buffer = Buffer.allocUnsafe(wanted);
      return buffer.subarray(0, readSync(fd, buffer, 0, wanted, this.#position));
    } finally {
      closeSync(fd);
    }
  }

  /** The app cut its own file: what is there now is new. */
  #startOver(): void {
    this.#position = 0;
    this.#boundary = undefined;
    this.#splitter.reset(false);
  }

  #skipAhead(size: number): number {
    if (size - this.#position <= this.limits.backlogBytes) return 0;
    const from = this.consumed;
    this.#position = size - Math.floor(this.limits.backlogBytes / 8);
    this.#splitter.reset(true);
    if (this.#boundary !== undefined && this.#boundary <= this.#position) this.#boundary = undefined;
    return this.#position - from;
  }
}
