import { createServer, type Server } from 'node:net';

/**
 * Tests run beside each other, and a port that was tried is taken only when a server that has just been started gets to its bind(): on a
 * busy machine seconds later. So each test process has ports that no other one tries, below those that the kernel gives to connections and to
 * whoever asks for any port, and beside the default `port_range`.
 */
const FIRST = 10_000;
const SLICE = 2000;
const SLICES = 8;

/** Who listens on a slice's first port has the slice, for as long as its process lives. */
let claimed: Promise<number> | undefined;
let next = 1;

async function claim(): Promise<number> {
  const start = Math.floor(Math.random() * SLICES);
  for (let i = 0; i < SLICES; i += 1) {
    const first = FIRST + ((start + i) % SLICES) * SLICE;
    const server = await listen(first);
    if (server === undefined) continue;
    server.unref();
    return first;
  }
  // More test processes than slices: two share one, and may meet as they would anywhere.
  return FIRST + start * SLICE;
}

/** Undefined when somebody has the port. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** A port of 127.0.0.1 on which nobody listens, and that nobody gets by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const [port] = await freePorts(1);
    if (await isFree(port)) return port;
  }
}

/** `count` neighbouring ports, as `port_range` has them: they are this process's, which is not to say that nothing of its own listens there still. */
export async function freePorts(count: number): Promise<readonly [first: number, last: number]> {
  claimed ??= claim();
  const slice = await claimed;
  if (next + count > SLICE) next = 1;
  const first = slice + next;
  next += count;
  return [first, first + count - 1];
}
