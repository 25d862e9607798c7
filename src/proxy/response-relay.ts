import { BodyReader, type Framing } from './http1/body-reader.js';
import { isPersistent, type ResponseHead, responseFraming } from './http1/response-head.js';
import { rewriteResponse } from './http1/rewrite-response.js';
import type { Wire } from './wire.js';

/** What the relay has to know of the request. */
export interface RelayContext {
  readonly method: string;
  /** 0: the client speaks HTTP/1.0. */
  readonly minor: 0 | 1;
  /** The client's connection can be kept behind a delimited answer. */
  readonly mayKeep: boolean;
}

/** Passes an app's final answer to the client as it comes. */
export class ResponseRelay {
  /** The client's connection can be used for another request afterwards. */
  readonly keepsClient: boolean;
  /** ... and the app's. */
  readonly keepsApp: boolean;
  /** The client can tell by itself that the body is incomplete. */
  readonly delimited: boolean;
  readonly #body: BodyReader;
  readonly #client: Wire;
  readonly #app: Wire;
  /** How the body's bytes change: not at all, wrapped in chunks, taken out of chunks. */
  readonly #change: 'none' | 'wrap' | 'unwrap';
  #head: string;

  constructor(head: ResponseHead, context: RelayContext, client: Wire, app: Wire) {
    const framing: Framing = responseFraming(head, context.method);
    this.#client = client;
    this.#app = app;
    this.#body = new BodyReader(framing);
    const modern = context.minor === 1;
    this.#change =
      framing.kind === 'close' && modern ? 'wrap' : framing.kind === 'chunked' && !modern ? 'unwrap' : 'none';
    this.delimited = framing.kind === 'length' || modern;
    this.keepsClient = context.mayKeep && this.delimited;
    this.keepsApp = framing.kind !== 'close' && isPersistent(head);
    this.#head = rewriteResponse(head, {
      method: context.method,
      minor: context.minor,
      addChunks: this.#change === 'wrap',
      close: !this.keepsClient,
    });
  }

  get status(): BodyReader['status'] {
    return this.#body.status;
  }

  /** Bytes of body so far. */
  get bytes(): number {
    return this.#body.bytes;
  }

  /** Takes bytes from the app; the head goes out with the first call. Returns the position behind the last byte of the body. */
  take(buffer: Buffer, start: number, end: number): number {
    const body = this.#body;
    const text = this.#head;
    this.#head = '';
    if (this.#change === 'unwrap') return this.#unwrap(text, buffer, start, end);
    const bodyless = body.status === 'done';
    const consumed = bodyless ? start : body.take(buffer, start, end);
    const from = bodyless ? start : body.passStart;
    const to = bodyless ? start : body.passEnd;
    if (this.#change === 'wrap' && to > from) {
      const size = (to - from).toString(16);
      this.#client.writeWith(`${text}${size}\r\n`, this.#app, buffer, from, to, '\r\n');
    } else this.#client.writeWith(text, this.#app, buffer, from, to, body.tail);
    return consumed;
  }

  #unwrap(text: string, buffer: Buffer, start: number, end: number): number {
    let head = text;
    const consumed = this.#body.take(buffer, start, end, (from, to) => {
      this.#client.writeWith(head, this.#app, buffer, from, to, '');
      head = '';
    });
    if (head !== '') this.#client.write(head);
    return consumed;
  }

  /** The app has closed its connection; whether the body ends properly with that. */
  ended(): boolean {
    if (this.#body.kind !== 'close') return false;
    if (this.#change === 'wrap') this.#client.write('0\r\n\r\n');
    return true;
  }
}
