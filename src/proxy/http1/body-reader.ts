import { ChunkedReader } from './chunked.js';

/** How a body is delimited. */
export type Framing =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

/** Follows a body to its end, whatever delimits it. Holds no bytes. */
export class BodyReader {
  status: 'more' | 'done' | 'bad' | 'too_large';
  readonly kind: Framing['kind'];
  /** After `take`: the bytes that may pass lie from here ... */
  passStart = 0;
  /** ... to here. */
  passEnd = 0;
  /** When done: what has to follow the bytes that passed (the end of a chunked body). */
  tail = '';
  /** Bytes of data so far, without their framing. */
  bytes = 0;
  #left: number;
  readonly #chunks: ChunkedReader | undefined;

  /** `limit`: most bytes of data, for bodies that don't announce them. */
  constructor(framing: Framing, limit?: number) {
    this.kind = framing.kind;
    this.#left = framing.kind === 'length' ? framing.length : 0;
    this.#chunks = framing.kind === 'chunked' ? new ChunkedReader(limit) : undefined;
    this.status = framing.kind === 'length' && framing.length === 0 ? 'done' : 'more';
  }

  /** Bytes that are still to come, as far as is known. */
  get left(): number {
    return this.kind === 'length' ? this.#left : Number.POSITIVE_INFINITY;
  }

  /**
   * Takes bytes from `start`; returns the position behind the last one taken. While `status` is `more` and that is not `end`, the caller goes on
   * from there. `onData`: where data lies.
   */
  take(buffer: Buffer, start: number, end: number, onData?: (from: number, to: number) => void): number {
    const chunks = this.#chunks;
    if (chunks !== undefined) {
      const consumed = chunks.take(buffer, start, end, onData);
      this.passStart = chunks.passStart;
      this.passEnd = chunks.passEnd;
      this.bytes = chunks.announced;
      this.tail = chunks.tail;
      this.status = chunks.status;
      return consumed;
    }
    let to = end;
    if (this.kind === 'length') {
      to = Math.min(end, start + this.#left);
      this.#left -= to - start;
      if (this.#left === 0) this.status = 'done';
    }
    this.bytes += to - start;
    this.passStart = start;
    this.passEnd = to;
    if (to > start) onData?.(start, to);
    return to;
  }
}
