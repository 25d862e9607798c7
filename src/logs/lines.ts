const LF = 0x0a;

/** One line as it was written, without its line feed. */
export interface RawLine {
  /** At most `lineBytes` of it; owned by the receiver. */
  readonly head: Buffer;
  /** How many bytes of the line are not in `head`. */
  readonly missing: number;
  /** Bytes that the line takes in the file, line feed included. */
  readonly size: number;
  /** False when its beginning was skipped. */
  readonly whole: boolean;
}

/** Splits a stream of bytes into lines with bounded memory, whatever the bytes are. */
export class LineSplitter {
  #head: Buffer[] = [];
  #kept = 0;
  #length = 0;
  #whole = true;

  constructor(
    private readonly lineBytes: number,
    private readonly unfinishedBytes: number,
  ) {}

  /** Bytes of the unfinished line so far. */
  get pending(): number {
    return this.#length;
  }

  /** The lines that end in `chunk`. `chunk` may be reused by the caller afterwards. */
  push(chunk: Buffer): RawLine[] {
    const lines: RawLine[] = [];
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.indexOf(LF, start);
      const stop = end < 0 ? chunk.length : end;
      this.#take(chunk, start, stop);
      if (end >= 0) lines.push(this.#finish(1));
      else if (this.#length >= this.unfinishedBytes) lines.push(this.#finish(0));
      start = end < 0 ? stop : end + 1;
    }
    return lines;
  }

  /** The unfinished line as if it had ended: nobody will write the rest. */
  end(): RawLine | undefined {
    return this.#length === 0 ? undefined : this.#finish(0);
  }

  /** Forgets the unfinished line. `inside`: the next byte may be in the middle of a line. */
  reset(inside: boolean): void {
    this.#head = [];
    this.#kept = 0;
    this.#length = 0;
    this.#whole = !inside;
  }

  #take(chunk: Buffer, start: number, stop: number): void {
    this.#length += stop - start;
    const keep = Math.min(stop - start, this.lineBytes - this.#kept);
    if (keep <= 0) return;
    this.#head.push(Buffer.from(chunk.subarray(start, start + keep)));
    this.#kept += keep;
  }

  #finish(lineEnd: number): RawLine {
    const [only] = this.#head;
    const head = this.#head.length === 1 && only !== undefined ? only : Buffer.concat(this.#head);
    const line: RawLine = {
      head,
      missing: this.#length - this.#kept,
      size: this.#length + lineEnd,
      whole: this.#whole,
    };
    this.reset(false);
    return line;
  }
}
