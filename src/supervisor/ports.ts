import { createServer } from 'node:net';
import { errnoOf, TenementError } from '../base/errors.js';

/** An app may bind any of these; a program that holds one of them would get, or hinder, its connections. */
const ADDRESSES = ['127.0.0.1', '0.0.0.0', '::1', '::'];

/** Frees ports of the range (both ends included), which somebody holds who should not; false when there is nobody to be told. */
export type MakeRoom = (range: readonly [number, number]) => Promise<boolean>;

/** Which port belongs to which instance: one is never handed to two, and each is tried before it is handed out. */
export class Ports {
  readonly #first: number;
  readonly #count: number;
  readonly #taken = new Set<number>();
  readonly #makeRoom: MakeRoom;
  #makingRoom: Promise<boolean> | undefined;
  #next: number;

  /**
   * `range` includes both ends. `start` is where the search begins: at random by default, so that two servers with the same range seldom
   * try the same port between the other's trial and its app's bind. `makeRoom` is called when the range has run out, by one at a time.
   */
  constructor(
    range: readonly [number, number],
    start?: number,
    makeRoom: MakeRoom = () => Promise.resolve(false),
  ) {
    this.#makeRoom = makeRoom;
    this.#first = range[0];
    this.#count = range[1] - range[0] + 1;
    this.#next = start === undefined ? Math.floor(Math.random() * this.#count) : start - range[0];
  }

  /**
   * A port on which nobody listens; it stays taken until `release`. Goes round the range, so that a port just released is the last to
   * come again: whoever still has its address in mind does not meet another tenant there.
   * @throws TenementError `ports_exhausted`
   */
  async allocate(): Promise<number> {
    for (;;) {
      const port = await this.#search();
      if (port !== undefined) return port;
      if (!(await this.#room())) throw this.#exhausted();
    }
  }

  async #search(): Promise<number | undefined> {
    for (let tried = 0; tried < this.#count; tried += 1) {
      const port = this.#first + this.#next;
      this.#next = (this.#next + 1) % this.#count;
      // Reserved before the trial, which takes time: a second call meanwhile must not choose it, too.
      if (!this.reserve(port)) continue;
      if (await isFree(port)) return port;
      this.release(port);
    }
    return undefined;
  }

  /** Whoever asks meanwhile gets the same answer. */
  #room(): Promise<boolean> {
    this.#makingRoom ??= this.#makeRoom([this.#first, this.#last]).finally(() => {
      this.#makingRoom = undefined;
    });
    return this.#makingRoom;
  }

  get #last(): number {
    return this.#first + this.#count - 1;
  }

  #exhausted(): TenementError {
    const taken = this.#taken.size;
    const all = `all ports from ${this.#first} to ${this.#last} are taken`;
    if (taken >= this.#count) return new TenementError('ports_exhausted', `${all} by instances`);
    return new TenementError(
      'ports_exhausted',
      `${all}: ${taken} by instances, the others by other programs`,
      {
        hint: 'See who listens there with `ss -ltnp` (as root): it may be an instance that runs as the same user as others. Who has only bound a port shows in no list; `network = "none"` or `"egress"` keeps instances from that. Or widen `port_range` in [settings].',
      },
    );
  }

  /** Takes that very port, in the range or not (an adopted instance has it already). False when it is taken. */
  reserve(port: number): boolean {
    if (this.#taken.has(port)) return false;
    this.#taken.add(port);
    return true;
  }

  /** Idempotent. */
  release(port: number): void {
    this.#taken.delete(port);
  }
}

async function isFree(port: number): Promise<boolean> {
  for (const host of ADDRESSES) {
    if (!(await canListen(port, host))) return false;
  }
  return true;
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => {
      // No IPv6 on this machine: then nobody listens there.
      resolve(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'].includes(errnoOf(error) ?? ''));
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
