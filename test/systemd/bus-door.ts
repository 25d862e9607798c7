import { existsSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { freshDir } from '../helpers/fresh-dir.js';

/**
 * A way to the system's bus that can be shut: for a client as if the bus had ended, while others keep theirs. Whoever connects is known to the bus
 * as this process, which is root as well.
 */
export class BusDoor {
  readonly path: string;
  readonly #bus: string;
  readonly #open = new Set<Socket>();
  #server: Server | undefined;
  #deaf = false;

  constructor(t: ExecutionContext, bus: string) {
    this.path = join(freshDir(t), 'bus');
    this.#bus = bus;
    t.teardown(() => this.shut());
  }

  async open(): Promise<void> {
    this.#deaf = false;
    this.#server = createServer((client) => this.#pass(client));
    await new Promise<void>((resolve) => this.#server?.listen(this.path, resolve));
  }

  /** What is sent from now on does not arrive. */
  deafen(): void {
    this.#deaf = true;
    for (const socket of this.#open) socket.pause();
  }

  async shut(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
    if (existsSync(this.path)) rmSync(this.path);
  }

  #pass(client: Socket): void {
    const bus = connect(this.#bus);
    for (const [from, to] of [
      [client, bus],
      [bus, client],
    ] as const) {
      this.#open.add(from);
      from.on('error', () => from.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
      if (this.#deaf) from.pause();
    }
  }
}
