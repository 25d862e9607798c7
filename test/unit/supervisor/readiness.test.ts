import { once } from 'node:events';
import { symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { askHealth, connects, waitHealthy } from '../../../src/supervisor/readiness.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const ask = (path: string) =>
  askHealth({ address: { path }, path: '/health', host: 'a.app', proto: 'http', timeoutMs: 60_000 });

test('of a socket: healthy, not there yet, nobody listens, and what is not a socket of its own', async (t) => {
  const dir = freshDir(t);
  const own = join(dir, 'own');
  t.deepEqual(await ask(own), { kind: 'refused' }, 'not there yet');
  t.false(await connects({ path: own }, 60_000));
  const server = createServer((_, res) => res.end('ok'));
  server.listen(own);
  await once(server, 'listening');
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  t.deepEqual(await ask(own), { kind: 'healthy' });
  t.true(await connects({ path: own }, 60_000));
  symlinkSync(own, join(dir, 'link'));
  writeFileSync(join(dir, 'file'), '');
  for (const name of ['link', 'file']) {
    const reason = `${join(dir, name)} is not a socket of the instance's own`;
    t.deepEqual(await ask(join(dir, name)), { kind: 'bad', reason });
    t.false(await connects({ path: join(dir, name) }, 60_000));
  }
});

test('what the deadline cuts off does not hide what was answered before it', async (t) => {
  const socket = join(freshDir(t), 'own');
  const deadline = new AbortController();
  let asked = 0;
  const server = createServer((_, res) => {
    asked += 1;
    if (asked === 1) res.writeHead(302, { location: '/login' }).end();
    else deadline.abort();
  });
  server.listen(socket);
  await once(server, 'listening');
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const answer = await waitHealthy(
    { address: { path: socket }, path: '/health', host: 'a.app', proto: 'http', timeoutMs: 60_000 },
    deadline.signal,
  );
  t.deepEqual(answer, { kind: 'bad', reason: 'GET /health answered 302, a redirect to /login' });
});
