import { latin1 } from './latin1.js';
import { TEXT } from './octets.js';

const CR = 13;
const LF = 10;

/** Where in the ends of lines the reader stands. */
const State = { line: 0, cr: 1, crlf: 2, crlfCr: 3, begin: 4, beginCr: 5 } as const;

/** RFC 9112 2.2: an empty line or two before a request is an old client's mistake; more is no client. */
const MOST_BLANK_LINES = 4;

export interface HeadReaderOptions {
  /** Most bytes of a head. */
  readonly limit: number;
  /** `request`: empty lines before it are skipped. `trailers`: begins behind the end of a line, so that an empty line is all. */
  readonly of: 'request' | 'response' | 'trailers';
}

/**
 * Collects the bytes of a head up to its empty line, from pieces of any size, looking at each byte once.
 *
 * Attack stopped: a bare CR or LF, which some programs take for the end of a line and others do not, and control bytes.
 */
export class HeadReader {
  status: 'more' | 'complete' | 'bad' | 'too_large' = 'more';
  /** When complete: the head with its line ends and the empty line; one character is one byte. */
  text = '';
  readonly #options: HeadReaderOptions;
  #state: number = State.begin;
  #blankLines = 0;

  constructor(options: HeadReaderOptions) {
    this.#options = options;
    this.reset();
  }

  /** Nothing of a head has come. */
  get empty(): boolean {
    return this.text === '' && this.#blankLines === 0;
  }

  /** Ready for the next head. */
  reset(): void {
    const { of } = this.#options;
    this.#state = of === 'request' ? State.begin : of === 'response' ? State.line : State.crlf;
    this.#blankLines = 0;
    this.status = 'more';
    this.text = '';
  }

  /** Takes bytes from `start`; returns the position behind the last one taken, which is `end` unless the head is complete or bad. */
  push(buffer: Buffer, start: number, end: number): number {
    let state = this.#state;
    let from = start;
    let i = start;
    const stop = Math.min(end, start + this.#options.limit - this.text.length);
    for (; i < stop; i += 1) {
      // Most of a head is within lines.
      if (state === State.line) while (i < stop && TEXT[buffer[i] as number] === 1) i += 1;
      if (i === stop) break;
      const octet = buffer[i] as number;
      if (TEXT[octet] === 1) {
        if (state === State.begin) from = i;
        else if (state !== State.crlf) return this.#fail(i);
        state = State.line;
      } else if (octet === CR) {
        if (state === State.line) state = State.cr;
        else if (state === State.crlf) state = State.crlfCr;
        else if (state === State.begin) state = State.beginCr;
        else return this.#fail(i);
      } else if (octet === LF) {
        if (state === State.cr) state = State.crlf;
        else if (state === State.crlfCr) {
          this.text += latin1(buffer, from, i + 1);
          this.status = 'complete';
          return i + 1;
        } else if (state === State.beginCr && ++this.#blankLines <= MOST_BLANK_LINES) {
          state = State.begin;
          from = i + 1;
        } else return this.#fail(i);
      } else return this.#fail(i);
    }
    this.#state = state;
    if (state !== State.begin && state !== State.beginCr) this.text += latin1(buffer, from, stop);
    if (this.text.length >= this.#options.limit) this.status = 'too_large';
    return stop;
  }

  #fail(at: number): number {
    this.status = 'bad';
    return at;
  }
}
