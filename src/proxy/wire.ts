import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Who is told what happens on a wire. */
export interface Receiver {
  /** Bytes from `start` to `end`. The buffer may be filled anew after the return: what is kept must be copied, or lent by `Wire.lend`. */
  received(buffer: Buffer, start: number, end: number): void;
  /** The peer will send nothing more. */
  ended(): void;
  /** What was written has gone out, after a write that had to wait. */
  drained(): void;
  /** Called once, last. */
  closed(error: Error | undefined): void;
}

/** Largest read. */
const READ_BYTES = 64 * 1024;

/** Writes up to this size are joined to one string: one system call and no array of buffers. */
const JOIN_BYTES = 16 * 1024;

/** For all wires that wait for small things; nothing that lies in it is ever lent. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** Buffers of wires that are gone. */
const spare: Buffer[] = [];
const MOST_SPARE = 64;

/**
 * A connection as the data path sees it: bytes come into a buffer that is used again and again, and writes say whether they had to wait.
 *
 * Two ways to read. Fast: net.Socket's `onread` puts bytes into our buffer. Otherwise 'data' events, which bring a new buffer each.
 */
export class Wire {
  stream!: Duplex;
  receiver: Receiver;
  paused = false;
  /** Options for a net.Socket that shall read fast; the socket is then given to `attach`. */
  readonly onread = {
    buffer: (): Buffer => this.#nextBuffer(),
    callback: (bytes: number, buffer: Uint8Array): boolean => {
      this.receiver.received(buffer as Buffer, 0, bytes);
      return true;
    },
  };
  #fast = false;
  #bulk = false;
  #own: Buffer | undefined;
  #lent = false;
  #error: Error | undefined;

  constructor(receiver: Receiver) {
    this.receiver = receiver;
  }

  /** `fast`: the stream was made with `onread`. */
  attach(stream: Duplex, fast: boolean): void {
    this.stream = stream;
    this.#fast = fast;
    stream.on('error', (error) => {
      this.#error = error;
    });
    stream.on('end', () => this.receiver.ended());
    stream.on('drain', () => this.receiver.drained());
    stream.once('close', () => {
      this.#giveBack();
      this.receiver.closed(this.#error);
    });
    if (!fast) stream.on('data', (chunk: Buffer) => this.receiver.received(chunk, 0, chunk.length));
  }

  /** Much is about to come, or no more: much gets a buffer of its own, whose parts can be lent to a write without a copy. */
  expectBulk(bulk: boolean): void {
    this.#bulk = bulk;
  }

  /** The part of a received buffer for a write, which may last longer than the call that brought it. */
  lend(buffer: Buffer, start: number, end: number): Buffer {
    const part = buffer.subarray(start, end);
    if (!this.#fast) return part;
    if (buffer !== this.#own) return Buffer.from(part);
    this.#lent = true;
    return part;
  }

  /** What was lent may be used again if `borrower` has written everything. */
  reclaim(borrower: Wire): void {
    if (this.#lent && borrower.stream.writableLength === 0) this.#lent = false;
  }

  #nextBuffer(): Buffer {
    if (!this.#bulk) {
      if (this.#own !== undefined) this.#giveBack();
      return shared;
    }
    if (this.#lent || this.#own === undefined) {
      this.#own = spare.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
      this.#lent = false;
    }
    return this.#own;
  }

  #giveBack(): void {
    if (this.#own !== undefined && !this.#lent && spare.length < MOST_SPARE) spare.push(this.#own);
    this.#own = undefined;
    this.#lent = false;
  }

  /** Strings are latin1. */
  write(data: string | Buffer): void {
    if (typeof data === 'string') this.stream.write(data, 'latin1');
    else this.stream.write(data);
  }

  /** `text`, then a part of what `source` received, then `tail`: together if they are small, and in one system call anyway. */
  writeWith(text: string, source: Wire, buffer: Buffer, start: number, end: number, tail: string): void {
    if (text.length + end - start <= JOIN_BYTES) {
      const all = end > start ? text + buffer.toString('latin1', start, end) + tail : text + tail;
      if (all !== '') this.stream.write(all, 'latin1');
      return;
    }
    const { stream } = this;
    const corked = text !== '' || tail !== '';
    if (corked) stream.cork();
    if (text !== '') stream.write(text, 'latin1');
    stream.write(source.lend(buffer, start, end));
    if (tail !== '') stream.write(tail, 'latin1');
    if (corked) stream.uncork();
    source.reclaim(this);
  }

  /** What was written had to wait, and `drained` will be called. */
  get congested(): boolean {
    return this.stream.writableNeedDrain && this.stream.writableLength > 0;
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.stream.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.stream.resume();
  }

  get destroyed(): boolean {
    return this.stream.destroyed;
  }

  destroy(): void {
    this.stream.destroy();
  }

  /** After what was written has gone out. */
  destroySoon(): void {
    if (this.stream.writableFinished) this.stream.destroy();
    else this.stream.end(() => this.stream.destroy());
  }

  /** Tells the peer that what it got is not all, if the connection can say so. */
  reset(): void {
    if (this.stream instanceof Socket) this.stream.resetAndDestroy();
    else this.stream.destroy();
  }
}
