import { BodyReader } from './http1/body-reader.js';
import type { RequestFraming } from './http1/request-head.js';
import type { Wire } from './wire.js';

/**
 * Bodies up to this size wait here until a connection to the app is open, and those of idempotent requests are kept until the
 * answer begins, so that they can be sent again.
 */
const KEEP_BYTES = 64 * 1024;
/** Pieces up to this size are kept as strings, which can be joined with the head. */
const STRING_BYTES = 8 * 1024;

/** The body of one request on its way to the app, at the pace of the slower side. */
export class RequestBody {
  readonly reader: BodyReader;
  readonly #client: Wire;
  readonly #resendable: boolean;
  /** Everything so far, in order; undefined when some of it is gone. */
  #pieces: (string | Buffer)[] | undefined = [];
  #held = 0;
  #discarding = false;
  #sink: Wire | undefined;

  constructor(client: Wire, framing: RequestFraming, resendable: boolean, limit: number | undefined) {
    this.#client = client;
    this.#resendable = resendable;
    this.reader = new BodyReader(framing, limit);
    if (this.reader.left > KEEP_BYTES) client.expectBulk(true);
  }

  /** The client has sent all of it. */
  get done(): boolean {
    return this.reader.status === 'done';
  }

  /** Everything that came is still here. */
  get replayable(): boolean {
    return this.#pieces !== undefined;
  }

  /** Takes bytes from the client; returns the position behind the last one that belongs to the body. */
  take(buffer: Buffer, start: number, end: number): number {
    const { reader } = this;
    const consumed = reader.take(buffer, start, end);
    if (reader.status === 'bad' || reader.status === 'too_large') return consumed;
    const { passStart, passEnd, tail } = reader;
    if (this.#pieces !== undefined) this.#keep(buffer, passStart, passEnd, tail);
    const sink = this.#sink;
    if (sink !== undefined) {
      sink.writeWith('', this.#client, buffer, passStart, passEnd, tail);
      if (sink.congested) this.#client.pause();
    } else if (this.#held > KEEP_BYTES && !this.#discarding) this.#client.pause();
    if (reader.status === 'done') this.#client.expectBulk(false);
    return consumed;
  }

  #keep(buffer: Buffer, start: number, end: number, tail: string): void {
    this.#held += end - start;
    if (this.#sink !== undefined && (!this.#resendable || this.#held > KEEP_BYTES)) {
      this.#pieces = undefined;
      return;
    }
    const text = end - start <= STRING_BYTES;
    if (end > start) {
      this.#pieces?.push(
        text ? buffer.toString('latin1', start, end) : Buffer.from(buffer.subarray(start, end)),
      );
    }
    if (tail !== '') this.#pieces?.push(tail);
  }

  /** Sends the head, what has come of the body, and from now on what comes. */
  sendTo(sink: Wire, head: string): void {
    const pieces = this.#pieces ?? [];
    let text = head;
    if (pieces.length > 1) sink.stream.cork();
    for (const piece of pieces) {
      if (typeof piece === 'string') text += piece;
      else {
        sink.write(text);
        sink.write(piece);
        text = '';
      }
    }
    if (text !== '') sink.write(text);
    if (pieces.length > 1) sink.stream.uncork();
    this.#sink = sink;
    const gone = this.#held > 0 && (!this.#resendable || this.#held > KEEP_BYTES);
    if (gone) this.#pieces = undefined;
    if (sink.congested) this.#client.pause();
    else this.#client.resume();
  }

  /** The app reads again. */
  drained(): void {
    this.#client.resume();
  }

  /** What comes from now on goes nowhere. */
  discard(): void {
    this.#sink = undefined;
    this.#pieces = undefined;
    this.#discarding = true;
  }

  /** What comes from now on is kept here, or goes nowhere. */
  detach(): void {
    this.#sink = undefined;
  }
}
