import http from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { awaitReady } from '../../../src/supervisor/probe.js';
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
