import { HeadReader } from './head-reader.js';
import { HEX, TEXT } from './octets.js';
import { trailerSection } from './trailers.js';

const CR = 13;
const LF = 10;
const SEMICOLON = 59;

const State = {
  size: 0,
  extension: 1,
  sizeLf: 2,
  data: 3,
  dataCr: 4,
  dataLf: 5,
  trailers: 6,
  done: 7,
} as const;

/** Leading zeros are legal, but not without end. */
const MOST_DIGITS = 16;
/** Attack stopped: chunk extensions that are longer than the data, which nobody counts. */
const MOST_EXTENSION = 1024;
const MOST_TRAILERS = 16 * 1024;

/**
 * Follows a chunked body (RFC 9112 7.1), strictly, without copying. The bytes pass as they are, but for chunk extensions, which nobody
 * needs and not everybody can read, and the trailer section, which is rewritten.
 */
export class ChunkedReader {
  status: 'more' | 'done' | 'bad' | 'too_large' = 'more';
  /** Bytes of data announced so far: those of a chunk count as soon as its size is known. */
  announced = 0;
  /** After `take`: the bytes that may pass lie from here ... */
  passStart = 0;
  /** ... to here. */
  passEnd = 0;
  /** When done: what has to follow the bytes that passed. */
  tail = '';
  /** Most bytes of data. */
  readonly #limit: number;
  #state: number = State.size;
  #size = 0;
  #digits = 0;
  #extension = 0;
  #trailers: HeadReader | undefined;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /**
   * Takes bytes from `start`; returns the position behind the last one taken: `end`, the end of the body, or the beginning of an
   * extension, and then the caller goes on from there. `onData` is told where the data lies.
   */
  take(buffer: Buffer, start: number, end: number, onData?: (from: number, to: number) => void): number {
    let i = start;
    const inExtension = this.#state === State.extension;
    while (i < end && this.#state === State.extension && this.#step(buffer[i] as number)) i += 1;
    // The CR behind an extension passes again.
    this.passStart = inExtension && this.#state === State.sizeLf ? i - 1 : i;
    while (i < end && this.status === 'more') {
      if (buffer[i] === SEMICOLON && this.#state === State.size && this.#digits > 0) {
        this.#state = State.extension;
        this.#extension = 0;
        break;
      }
      if (this.#state === State.data) {
        const to = Math.min(end, i + this.#size);
        onData?.(i, to);
        this.#size -= to - i;
        i = to;
        if (this.#size === 0) this.#state = State.dataCr;
      } else if (this.#state === State.trailers) {
        return this.#takeTrailers(buffer, i, end);
      } else if (this.#step(buffer[i] as number)) {
        i += 1;
      } else {
        // What is wrong does not pass, nor what came with it.
        this.passEnd = this.passStart;
        return i;
      }
    }
    this.passEnd = i;
    return i;
  }

  /** One byte of framing; false when it is wrong. */
  #step(octet: number): boolean {
    switch (this.#state) {
      case State.size:
        return this.#sizeByte(octet);
      case State.extension:
        if (octet === CR) this.#state = State.sizeLf;
        else if (TEXT[octet] !== 1 || ++this.#extension > MOST_EXTENSION) return this.#bad();
        return true;
      case State.sizeLf:
        return octet === LF ? this.#sizeKnown() : this.#bad();
      case State.dataCr:
        this.#state = State.dataLf;
        return octet === CR || this.#bad();
      default:
        this.#state = State.size;
        this.#digits = 0;
        return octet === LF || this.#bad();
    }
  }

  #sizeByte(octet: number): boolean {
    const digit = HEX[octet] as number;
    if (digit !== 255) {
      this.#size = this.#size * 16 + digit;
      this.#digits += 1;
      // Attack stopped: a size that overflows in the next program and becomes a small one.
      return (this.#digits <= MOST_DIGITS && this.#size <= Number.MAX_SAFE_INTEGER) || this.#bad();
    }
    if (this.#digits === 0) return this.#bad();
    if (octet !== CR) return this.#bad();
    this.#state = State.sizeLf;
    return true;
  }

  #sizeKnown(): boolean {
    if (this.#size === 0) {
      this.#state = State.trailers;
      this.#trailers = new HeadReader({ limit: MOST_TRAILERS, of: 'trailers' });
      return true;
    }
    this.announced += this.#size;
    if (this.announced > this.#limit) {
      this.status = 'too_large';
      return false;
    }
    this.#state = State.data;
    return true;
  }

  #takeTrailers(buffer: Buffer, from: number, end: number): number {
    const reader = this.#trailers as HeadReader;
    const consumed = reader.push(buffer, from, end);
    this.passEnd = from;
    if (reader.status === 'more') return consumed;
    this.#state = State.done;
    if (reader.status !== 'complete') {
      this.#bad();
      return consumed;
    }
    // The usual case has no trailers, and its last line end passes with the rest.
    if (reader.text === '\r\n' && consumed - from === 2) this.passEnd = consumed;
    else {
      const tail = trailerSection(reader.text);
      if (tail === undefined) {
        this.#bad();
        return consumed;
      }
      this.tail = tail;
    }
    this.status = 'done';
    return consumed;
  }

  #bad(): boolean {
    this.status = 'bad';
    return false;
  }
}
