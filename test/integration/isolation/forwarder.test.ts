import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable, Stream } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { forwarderEnv, OUTER } from '../../../isolation/network/forwarder.js';
import { uidsOf } from '../../../isolation/proc.js';
import { isFilterArch } from '../../../isolation/seccomp.js';
import { closedPort } from '../../helpers/closed-port.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { haveTools } from '../../helpers/require-tool.js';
import { until } from '../../helpers/until.js';
import { newUser } from './variants.js';

/** The forwarder between a Unix socket and `port`, as an instance's wrappers start it; the path of the socket. */
async function forwarder(
  t: ExecutionContext,
  port: number,
  { uid, onPid }: { readonly uid?: number; readonly onPid?: (pid: number) => void } = {},
): Promise<string | undefined> {
  const { arch } = process;
  if (!haveTools(t, 'perl')) return undefined;
  if (!isFilterArch(arch)) {
    t.log(`skipped: no numbers of system calls for ${arch}`);
    t.pass();
    return undefined;
  }
  const path = join(freshDir(t), 's');
  const outer = createServer();
  t.teardown(() => outer.close());
  await listening(outer, { path: `${path}~`, backlog: 4096 });
  // Node removes the path of what it has listened on.
  await rename(`${path}~`, path);
  const run = 'eval delete($ENV{TENEMENT_FORWARD}); die $@ if $@';
  const handle = (outer as unknown as { readonly _handle: Stream })._handle;
  const child = spawn('/usr/bin/perl', ['-e', run, '--', String(port), String(uid ?? ''), '3'], {
    env: { ...forwarderEnv(arch) },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'ignore', handle],
  });
  t.teardown(() => child.kill('SIGKILL'));
  t.is(OUTER, 5);
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const told = await Promise.race([once(child.stdio[3] as Readable, 'data'), once(child, 'exit')]);
  // Or it would take part of the connections.
  outer.close();
  t.is(String(told[0]), 'works\n', said);
  const { pid = 0 } = child;
  onPid?.(pid);
  if (uid !== undefined) t.deepEqual(uidsOf(pid), [uid, uid, uid, uid]);
  return path;
}

async function listening(server: Server, where: object): Promise<void> {
  server.listen(where);
  await once(server, 'listening');
}

/** An app on a port of loopback. */
async function app(t: ExecutionContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await listening(server, { host: '127.0.0.1', port: 0 });
  return (server.address() as { port: number }).port;
}

function client(t: ExecutionContext, path: string): Socket {
  const socket = connect({ path, allowHalfOpen: true });
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  return socket;
}

async function all(socket: Socket): Promise<string> {
  let text = '';
  // Not `for await`, which destroys the socket behind the end.
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(socket, 'end');
  return text;
}

test('who half-closes after the request gets the whole answer', async (t) => {
  const port = await app(t, async (socket) => {
    const request = await all(socket);
    socket.end(`got ${request}`);
  });
  const path = await forwarder(t, port);
  if (path === undefined) return;
  const socket = client(t, path);
  socket.end('the request');
  t.is(await all(socket), 'got the request');
});

test('an answer that ends before the request does arrives, and the rest of the request is taken', async (t) => {
  let received = 0;
  const port = await app(t, (socket) => {
    socket.end('early');
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
  });
  const path = await forwarder(t, port);
  if (path === undefined) return;
  const socket = client(t, path);
  t.is(await all(socket), 'early');
  socket.end(Buffer.alloc(1 << 20));
  await until('all of the request has arrived', () => received === 1 << 20);
  t.pass();
});

test('hundreds of connections at a time, each with its own bytes both ways', async (t) => {
  const port = await app(t, (socket) => socket.pipe(socket));
  const path = await forwarder(t, port);
  if (path === undefined) return;
  const sockets = Array.from({ length: 500 }, () => client(t, path));
  const texts = sockets.map((_, i) => `${i}-`.repeat(2_000));
  for (const [i, socket] of sockets.entries()) socket.write(texts[i] ?? '');
  const got = sockets.map(() => '');
  for (const [i, socket] of sockets.entries()) {
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      got[i] += chunk;
    });
  }
  await until('all have their bytes back', () => got.every((text, i) => text.length === texts[i]?.length));
  t.deepEqual(got, texts);
  for (const socket of sockets) socket.end();
  await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
});

test('what nobody reads is not piled up: a slow reader slows the writer', async (t) => {
  let written = 0;
  const port = await app(t, (socket) => {
    const fill = (): void => {
      while (written < 64 << 20) {
        written += 65_536;
        if (!socket.write(Buffer.alloc(65_536))) break;
      }
      if (written >= 64 << 20) socket.end();
    };
    socket.on('drain', fill);
    fill();
  });
  const path = await forwarder(t, port);
  if (path === undefined) return;
  const socket = client(t, path);
  socket.pause();
  let before = -1;
  await until('the writer stands still', async () => {
    const still = written === before;
    before = written;
    if (!still) await new Promise((resolve) => setTimeout(resolve, 100));
    return still && written > 0;
  });
  t.true(written < 32 << 20, `${written} bytes`);
  let received = 0;
  for await (const chunk of socket) received += (chunk as Buffer).length;
  t.is(received, 64 << 20);
});

test('a reset is passed on and no end of file; then the next connection works', async (t) => {
  let count = 0;
  const port = await app(t, (socket) => {
    count += 1;
    if (count > 1) return socket.end('fine');
    socket.write('half of the ans');
    socket.once('data', () => socket.resetAndDestroy());
  });
  const path = await forwarder(t, port);
  if (path === undefined) return;
  const socket = client(t, path);
  await once(socket, 'data');
  socket.write('go');
  socket.resume().on('end', () => socket.end());
  await once(socket, 'close');
  const next = client(t, path);
  t.is(await all(next), 'fine');
});

test('while nobody listens a connection ends at once', async (t) => {
  const path = await forwarder(t, await closedPort(t));
  if (path === undefined) return;
  const socket = client(t, path);
  const closed = once(socket, 'close');
  socket.resume().on('end', () => socket.end());
  await closed;
  t.pass();
});

test('as root it works as another user', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('skipped: needs root');
    return t.pass();
  }
  const port = await app(t, (socket) => socket.end('hello'));
  const path = await forwarder(t, port, { uid: newUser(true).uid });
  if (path === undefined) return;
  t.is(await all(client(t, path)), 'hello');
});

test('what an app sends to its whole process group does not end it: where there is no other user it gets it, too', async (t) => {
  const port = await app(t, (socket) => socket.end('hello'));
  const pids: number[] = [];
  const path = await forwarder(t, port, { onPid: (pid) => pids.push(pid) });
  const [pid] = pids;
  if (path === undefined || pid === undefined) return;
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const) {
    process.kill(pid, signal);
    t.is(await all(client(t, path)), 'hello', signal);
  }
});
