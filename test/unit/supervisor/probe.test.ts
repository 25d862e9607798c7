import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Handle } from '../../../isolation/contract.js';
import { awaitReady, awaitReconnect } from '../../../src/supervisor/probe.js';
import { askHealth } from '../../../src/supervisor/readiness.js';
import { FakeHandle } from '../../helpers/fake-handle.js';

/** A real app; requests to it and what it does with them are the test's. */
async function app(t: ExecutionContext, answer: http.RequestListener) {
  const server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const address = { host: '127.0.0.1', port: bound.port };
  return { address, path: '/up', host: 'alice.localhost', proto: 'http', timeoutMs: 600_000 } as const;
}

const signal = () => new AbortController().signal;

test('2xx is healthy; a redirect is not, and the reason says where it points', async (t) => {
  const request = await app(t, (req, res) => {
    t.is(req.headers.host, 'alice.localhost');
    res.writeHead(301, { location: 'https://elsewhere/' }).end();
  });
  t.deepEqual(await askHealth(request), {
    kind: 'bad',
    reason: 'GET /up answered 301, a redirect to https://elsewhere/',
  });
  t.deepEqual(await askHealth(await app(t, (_req, res) => void res.writeHead(204).end())), {
    kind: 'healthy',
  });
});

test('a health path that never answers does not outlast the startup time', async (t) => {
  const request = await app(t, () => {});
  // The check itself would wait ten minutes: only the deadline can end this.
  const failure = await awaitReady(new FakeHandle({ address: request.address }), request, 50, signal());
  t.is(failure?.code, 'start_timeout');
});

test('one that was adopted long after its start is given the time to answer', async (t) => {
  let asked = 0;
  const request = await app(t, (_req, res) => {
    asked += 1;
    res.writeHead(asked < 3 ? 503 : 200).end();
  });
  const handle = new FakeHandle({ address: request.address, startedAt: 1 });
  t.is(await awaitReady(handle, request, 30_000, signal()), undefined);
});

test('an abort ends a check that is under way', async (t) => {
  const aborter = new AbortController();
  const request = await app(t, () => aborter.abort());
  t.deepEqual(await askHealth(request, aborter.signal), { kind: 'timeout' });
});

test('a check that begins after the abort ends at once', async (t) => {
  const request = await app(t, () => {});
  t.deepEqual(await askHealth(request, AbortSignal.abort()), { kind: 'timeout' });
  t.is(
    (await awaitReady(new FakeHandle(request), request, 600_000, AbortSignal.abort()))?.code,
    'start_timeout',
  );
});

test('a stranger on the port is never ready', async (t) => {
  const request = await app(t, (_req, res) => void res.end());
  const handle = Object.assign(new FakeHandle({ address: request.address }), {
    listener: async () => 'stranger' as const,
  });
  t.is((await awaitReady(handle, request, 30_000, signal()))?.code, 'port_taken');
});

for (const path of [undefined, '/up']) {
  const how = path === undefined ? 'without a health path' : 'with one';
  test(`an app behind a socket that accepts for it is ready when it listens itself, ${how}`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'probe-'));
    t.teardown(() => rm(directory, { recursive: true }));
    const socket = join(directory, 's');
    let asked = 0;
    let early = 0;
    const listens = () => asked >= 3;
    const app = http.createServer((_req, res) => void res.end());
    // As the forwarder: it takes what comes, and breaks it off while the app does not listen.
    const forwarder = createServer((connection) => {
      if (!listens()) early += 1;
      if (listens()) app.emit('connection', connection);
      else connection.resetAndDestroy();
    });
    await new Promise<void>((resolve) => forwarder.listen(socket, resolve));
    t.teardown(() => {
      forwarder.close();
      app.closeAllConnections();
    });
    const fake = new FakeHandle();
    const handle: Handle = {
      ref: fake.ref,
      address: { path: socket },
      exited: fake.exited,
      stop: (options) => fake.stop(options),
      detach: () => {},
      listener: async () => {
        asked += 1;
        return listens() ? 'own' : 'none';
      },
    };
    const request = {
      address: handle.address,
      path,
      host: 'alice.localhost',
      proto: 'http',
      timeoutMs: 600_000,
    } as const;
    t.is(await awaitReady(handle, request, 30_000, signal()), undefined);
    asked = 0;
    t.is(await awaitReconnect(handle, 30_000, signal()), undefined);
    t.is(early, 0);
  });
}
