import type { ClientRequest, IncomingMessage } from 'node:http';
import { type BodyFraming, trailerFields } from './headers.js';

/** Bodies of idempotent requests up to this size are kept until the answer begins, so that they can be sent again. */
const KEEP_BYTES = 64 * 1024;

export interface PumpEvents {
  /** Most bytes that may pass; undefined: any number. */
  readonly limit: number | undefined;
  /** More than `limit` arrived; nothing of the excess was passed on, and the pump has stopped. */
  tooLarge(): void;
  /** Whose move it is: the app's to read or answer, or the client's to send more. */
  turn(whose: 'app' | 'client'): void;
}

/** The body of one request on its way to the app, at the pace of the slower side. */
export class RequestBody {
  /** Bytes taken from the client. */
  bytes = 0;
  readonly #request: IncomingMessage;
  readonly #framing: BodyFraming;
  /** What has passed, while it is little enough to be sent again. */
  #kept: Buffer[] | undefined;
  #ended = false;

  constructor(request: IncomingMessage, framing: BodyFraming, keep: boolean) {
    this.#request = request;
    this.#framing = framing;
    this.#kept = keep ? [] : undefined;
  }

  get present(): boolean {
    return this.#framing !== 'none';
  }

  /** Whether the client still has bytes to send. */
  get unfinished(): boolean {
    return this.present && !this.#request.complete;
  }

  /** Nothing was taken from the client yet, or everything that was is kept. */
  get replayable(): boolean {
    return !this.present || this.bytes === 0 || this.#kept !== undefined;
  }

  /** Sends the body (what is kept first) to `sink` and ends it with the trailers. Returns how to stop. */
  pump(sink: ClientRequest, events: PumpEvents): () => void {
    const request = this.#request;
    for (const chunk of this.#kept ?? []) sink.write(chunk);
    if (!this.present || this.#ended) {
      this.#finish(sink, events);
      return () => {};
    }
    const onData = (chunk: Buffer) => {
      this.bytes += chunk.length;
      if (events.limit !== undefined && this.bytes > events.limit) {
        stop();
        events.tooLarge();
        return;
      }
      this.#keep(chunk);
      if (sink.write(chunk)) {
        events.turn('client');
        return;
      }
      request.pause();
      events.turn('app');
    };
    const onDrain = () => {
      events.turn('client');
      request.resume();
    };
    const onEnd = () => {
      this.#ended = true;
      stop();
      this.#finish(sink, events);
    };
    const stop = () => {
      request.off('data', onData).off('end', onEnd);
      sink.off('drain', onDrain);
      request.pause();
    };
    request.on('data', onData).on('end', onEnd);
    sink.on('drain', onDrain);
    request.resume();
    return stop;
  }

  #keep(chunk: Buffer): void {
    if (this.#kept === undefined) return;
    if (this.bytes > KEEP_BYTES) this.#kept = undefined;
    else this.#kept.push(chunk);
  }

  #finish(sink: ClientRequest, events: PumpEvents): void {
    if (this.#framing === 'chunked') {
      const trailers = trailerFields(this.#request.rawTrailers);
      if (trailers.length > 0) sink.addTrailers(trailers);
    }
    sink.end();
    events.turn('app');
  }
}
