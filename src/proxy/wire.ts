import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { type DirectWriter, directWriter } from './direct-writer.js';
import { latin1 } from './http1/latin1.js';
import { handleOf, inside } from './socket-inside.js';

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

/** Largest read: an answer of 64 KiB and its head come in one. */
const READ_BYTES = 128 * 1024;

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
  /** Survives a failed write: what the peer has sent is still read. */
  patient = false;
  /** Options for a net.Socket that shall read fast; the socket is then given to `attach`. */
  readonly onread = {
    buffer: (): Buffer => this.#nextBuffer(),
    callback: (bytes: number, buffer: Uint8Array): boolean => {
      this.receiver.received(buffer as Buffer, 0, bytes);
      return true;
    },
  };
  #fast = false;
  #direct: DirectWriter | undefined;
  #bulk = false;
  #own: Buffer | undefined;
  /** Where the next read goes. */
  #buffer: Buffer | undefined;
  #lent = false;
  #error: Error | undefined;

  constructor(receiver: Receiver) {
    this.receiver = receiver;
  }

  /** `fast`: the stream was made with `onread`. */
  attach(stream: Duplex, fast: boolean): void {
    this.stream = stream;
    this.#fast = fast;
    if (fast && stream instanceof Socket)
      this.#direct = directWriter(stream, (status) => this.#taken(status));
    if (fast) this.#readDirectly();
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

  /** Takes the place of what the stream does for each read. The end and errors of the connection are left to it. */
  #readDirectly(): void {
    const handle = handleOf(this.stream);
    const usual = handle?.onread;
    if (inside === undefined || handle === undefined || typeof usual !== 'function') return;
    const { streamBaseState, kReadBytesOrError } = inside;
    handle.onread = (data) => {
      const bytes = streamBaseState[kReadBytesOrError] as number;
      const buffer = this.#buffer;
      if (bytes <= 0 || buffer === undefined || this.stream.destroyed) return usual.call(handle, data);
      this.receiver.received(buffer, 0, bytes);
      const next = this.#nextBuffer();
      return next === buffer ? undefined : next;
    };
  }

  /** For a socket that has only now begun to connect. */
  opened(): void {
    if (this.#fast) this.#readDirectly();
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
    if (this.#lent && borrower.stream.writableLength === 0 && !borrower.#waits) this.#lent = false;
  }

  #nextBuffer(): Buffer {
    if (!this.#bulk) {
      if (this.#own !== undefined) this.#giveBack();
      this.#buffer = shared;
      return shared;
    }
    if (this.#lent || this.#own === undefined) {
      this.#own = spare.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
      this.#lent = false;
    }
    this.#buffer = this.#own;
    return this.#own;
  }

  #giveBack(): void {
    if (this.#own !== undefined && !this.#lent && spare.length < MOST_SPARE) spare.push(this.#own);
    this.#own = undefined;
    this.#lent = false;
  }

  /** Strings are latin1. */
  write(data: string | Buffer): void {
    if (typeof data !== 'string') this.stream.write(data);
    else if (this.#direct?.writeText(data) !== true) this.stream.write(data, 'latin1');
  }

  /**
   * `text`, then a part of what `source` received, then `tail`: together if they are small, and in one system call anyway. What stands before
   * `start` in the buffer must not be needed any more.
   */
  writeWith(text: string, source: Wire, buffer: Buffer, start: number, end: number, tail: string): void {
    if (text.length + end - start <= JOIN_BYTES) {
      const all = end > start ? text + latin1(buffer, start, end) + tail : text + tail;
      if (all !== '') this.write(all);
      return;
    }
    // A head that fits goes where the one was that it is made of: so it needs no buffer of its own.
    const place = start - text.length;
    const inPlace = text !== '' && place >= 0 && buffer === source.#own && !source.#lent;
    if (inPlace) buffer.write(text, place, 'latin1');
    const chunks: (string | Buffer)[] = [source.lend(buffer, inPlace ? place : start, end)];
    if (text !== '' && !inPlace) chunks.unshift(text);
    if (tail !== '') chunks.push(tail);
    if (this.#direct?.writeAll(chunks) !== true) this.#writeStream(chunks);
    source.reclaim(this);
  }

  #writeStream(chunks: readonly (string | Buffer)[]): void {
    const { stream } = this;
    if (chunks.length > 1) stream.cork();
    for (const chunk of chunks) {
      if (typeof chunk === 'string') stream.write(chunk, 'latin1');
      else stream.write(chunk);
    }
    if (chunks.length > 1) stream.uncork();
  }

  /** The system has taken what was written directly, or failed. */
  #taken(status: number): void {
    if (status < 0 && !this.patient) this.destroy(new Error(`write ${getSystemErrorName(status)}`));
    else if (!this.congested) this.receiver.drained();
  }

  get #waits(): boolean {
    return this.#direct !== undefined && this.#direct.pending > 0;
  }

  /** What was written had to wait, and `drained` will be called. */
  get congested(): boolean {
    return this.#waits || (this.stream.writableNeedDrain && this.stream.writableLength > 0);
  }

  /** Bytes written that the system has not taken yet. */
  get unsent(): number {
    return (this.#direct?.pending ?? 0) + this.stream.writableLength;
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

  destroy(error?: Error): void {
    this.stream.destroy(error);
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
