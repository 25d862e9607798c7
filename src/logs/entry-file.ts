import { appendFileSync, closeSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import { type FileHandle, open, rename, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../base/errors.js';
import { decodeRecord, type Offsets } from './record.js';

/** More than the longest record: a cut line of 16 KiB, each byte of it replaced by a three-byte character or escaped. */
const TAIL_BYTES = 256 * 1024;

/** The two files that hold an instance's entries, newest first. */
export function segmentPaths(dir: string): [current: string, previous: string] {
  return [join(dir, 'entries.ndjson'), join(dir, 'entries.1.ndjson')];
}

/** Appends records to the entries of one instance; at most two segments are kept. Not for concurrent calls. */
export class EntryFile {
  readonly #current: string;
  readonly #previous: string;
  #size: number;
  /** Kept open: one system call per append instead of three. */
  #file: FileHandle | undefined;

  constructor(
    dir: string,
    private readonly segmentBytes: number,
  ) {
    [this.#current, this.#previous] = segmentPaths(dir);
    this.#size = sizeOf(this.#current);
  }

  /** Cuts off what a killed server left half written and says how far the raw files had been read. Blocks for one short read. */
  recover(): Offsets {
    const { offsets, end } = lastRecord(this.#current);
    if (end < this.#size) {
      truncateSync(this.#current, end);
      this.#size = end;
    }
    return offsets ?? lastRecord(this.#previous).offsets ?? [0, 0];
  }

  /** All or nothing: what a full disk cut off is taken back. */
  async append(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    if (this.#size > 0 && this.#size + bytes.length > this.segmentBytes) {
      await this.close();
      await rename(this.#current, this.#previous);
      this.#size = 0;
    }
    try {
      this.#file ??= await open(this.#current, 'a', 0o600);
      await this.#file.writeFile(bytes);
      this.#size += bytes.length;
    } catch (error) {
      await truncate(this.#current, this.#size).catch(() => undefined);
      throw error;
    }
  }

  /** Lets the file go; the next append opens it again. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** The same for one short record before a start, when the caller cannot wait. */
  appendSync(text: string): void {
    appendFileSync(this.#current, text, { mode: 0o600 });
    this.#size += Buffer.byteLength(text);
  }
}

/** The offsets of the last whole record, and where the last whole line ends. */
function lastRecord(path: string): { offsets: Offsets | undefined; end: number } {
  const tail = readTail(path);
  if (tail === undefined) return { offsets: undefined, end: 0 };
  const lastLineFeed = tail.bytes.lastIndexOf(0x0a);
  const end = tail.start + lastLineFeed + 1;
  for (let stop = lastLineFeed; stop >= 0; ) {
    const before = stop === 0 ? -1 : tail.bytes.lastIndexOf(0x0a, stop - 1);
    const record = decodeRecord(tail.bytes.toString('utf8', before + 1, stop));
    if (record !== undefined) return { offsets: record.offsets, end };
    stop = before;
  }
  return { offsets: undefined, end };
}

function readTail(path: string): { bytes: Buffer; start: number } | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, size - TAIL_BYTES);
    const bytes = Buffer.alloc(size - start);
    const length = readSync(fd, bytes, 0, bytes.length, start);
    return { bytes: bytes.subarray(0, length), start };
  } finally {
    closeSync(fd);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
