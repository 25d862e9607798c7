import type { Wire } from './wire.js';

/** How long one direction may be silent after the other one has ended: a peer that is gone never says so. */
const HALF_OPEN_MS = 60_000;

/**
 * Two connections joined after a switch of protocols. Each direction ends by itself, a broken side ends both. A silent one stays: there is
 * no idle timeout while both directions are open.
 */
export class Tunnel {
  bytesIn = 0;
  bytesOut = 0;
  readonly #client: Wire;
  readonly #app: Wire;
  readonly #done: () => void;
  #open = 2;
  #halfOpen = false;
  #movedAt = 0;

  /** `done`: both have closed. */
  constructor(client: Wire, app: Wire, done: () => void) {
    this.#client = client;
    this.#app = app;
    this.#done = done;
    client.expectBulk(true);
    client.resume();
    app.resume();
  }

  fromClient(buffer: Buffer, start: number, end: number): void {
    this.bytesIn += end - start;
    move(this.#client, this.#app, buffer, start, end);
    this.#movedAt = 0;
  }

  fromApp(buffer: Buffer, start: number, end: number): void {
    this.bytesOut += end - start;
    move(this.#app, this.#client, buffer, start, end);
    this.#movedAt = 0;
  }

  clientDrained(): void {
    this.#app.resume();
  }

  appDrained(): void {
    this.#client.resume();
  }

  clientEnded(): void {
    this.#halfOpen = true;
    this.#app.stream.end();
  }

  appEnded(): void {
    this.#halfOpen = true;
    this.#client.stream.end();
  }

  clientClosed(): void {
    this.#closed(this.#client, this.#app);
  }

  appClosed(): void {
    this.#closed(this.#app, this.#client);
  }

  sweep(now: number): void {
    if (!this.#halfOpen) return;
    if (this.#movedAt === 0) this.#movedAt = now;
    else if (now - this.#movedAt > HALF_OPEN_MS) this.destroy();
  }

  destroy(): void {
    this.#client.destroy();
    this.#app.destroy();
  }

  #closed(wire: Wire, other: Wire): void {
    // After a clean end the other side still gets what is on its way; after a break there is nothing left to say.
    if (wire.stream.readableEnded) other.destroySoon();
    else other.destroy();
    this.#open -= 1;
    if (this.#open === 0) this.#done();
  }
}

function move(from: Wire, to: Wire, buffer: Buffer, start: number, end: number): void {
  to.writeWith('', from, buffer, start, end, '');
  if (to.congested) from.pause();
}
