// Walks the whole table of endpoints with each kind of caller. An endpoint that is added without a line here fails.
import test from 'ava';
import type { Route } from '../../../src/api/routes/route.js';
import { ROUTES } from '../../../src/api/routes.js';
import { startApi } from '../../helpers/api-server.js';

type Caller = 'nobody' | 'bad token' | 'admin' | 'tenant, own' | 'tenant, foreign' | 'create';

/** What the product's table of tokens says, written down again and not computed from the table under test. */
const TENANT_MAY = new Set([
  'GET /api/instances',
  'GET /api/instances/:id',
  'POST /api/instances/:id/restart',
  'GET /api/instances/:id/health',
  'GET /api/instances/:id/storage',
  'GET /api/logs',
  'GET /api/logs/stream',
  'GET /api/version',
]);
const CREATE_MAY = new Set(['PUT /api/instances/:id']);
const PUBLIC = new Set(['GET /health', 'GET /', 'GET /assets/:file']);
const ADMIN_ONLY = new Set([
  'GET /metrics',
  'GET /api/telemetry',
  'GET /api/tls/status',
  'POST /api/instances/spawn',
  'DELETE /api/instances/:id',
  'POST /api/instances/:id/start',
  'POST /api/instances/:id/stop',
  'POST /api/instances/:id/remove',
  'PUT /api/instances/:id/weight',
  'GET /api/instances/:id/events',
  'GET /api/instances/:id/env',
  'PUT /api/instances/:id/env/:name',
  'DELETE /api/instances/:id/env/:name',
  'POST /api/deploy',
  'POST /api/route',
  'POST /api/services/:service/restart',
  'POST /api/reload',
  'POST /api/tokens',
  'GET /api/tokens',
  'DELETE /api/tokens/:prefix',
  'GET /api/audit',
]);

const BODIES: Record<string, unknown> = {
  'POST /api/instances/spawn': { process: 'notes', id: 'alice' },
  'PUT /api/instances/:id/weight': { weight: 50 },
  'PUT /api/instances/:id/env/:name': { value: 'x' },
  'POST /api/deploy': { service: 'notes', version: 'v2' },
  'POST /api/route': { service: 'notes', from: 'alice', to: 'bob' },
};

function expected(name: string, caller: Caller): number | 'ok' {
  if (PUBLIC.has(name)) return 'ok';
  if (caller === 'nobody' || caller === 'bad token') return 401;
  if (caller === 'admin') return 'ok';
  if (caller === 'create') return CREATE_MAY.has(name) ? 'ok' : 403;
  if (!TENANT_MAY.has(name)) return 403;
  return caller === 'tenant, foreign' && name.includes('/:id') ? 403 : 'ok';
}

test('every endpoint stands in exactly one list', (t) => {
  for (const { method, path } of ROUTES) {
    const name = `${method} ${path}`;
    const lists = [TENANT_MAY, CREATE_MAY, PUBLIC, ADMIN_ONLY].filter((list) => list.has(name));
    t.is(lists.length, 1, `${name}: decide who may call it, here and in its row`);
  }
  t.is(ROUTES.length, TENANT_MAY.size + CREATE_MAY.size + PUBLIC.size + ADMIN_ONLY.size);
});

for (const caller of ['nobody', 'bad token', 'admin', 'tenant, own', 'tenant, foreign', 'create'] as const) {
  test(`each endpoint answers a caller as its scope says: ${caller}`, async (t) => {
    const server = await startApi(t);
    const tokens: Record<Caller, string | undefined> = {
      nobody: undefined,
      'bad token': `ten_00000000_${'0'.repeat(64)}`,
      admin: server.token({ kind: 'admin' }),
      'tenant, own': server.token({ kind: 'tenant', tenant: 'alice' }),
      'tenant, foreign': server.token({ kind: 'tenant', tenant: 'bob' }),
      create: server.token({ kind: 'create' }),
    };
    // A minute passes now and then, or the bad token would be answered 429.
    for (const route of ROUTES) {
      server.clock.advance(60_000);
      const name = `${route.method} ${route.path}`;
      const res = await server.open(route.method, fill(route, server, caller), {
        token: tokens[caller],
        body: BODIES[name],
      });
      const status = res.statusCode ?? 0;
      res.destroy();
      const want = expected(name, caller);
      if (want === 'ok') t.true(status >= 200 && status < 300, `${name}: ${status}`);
      else t.is(status, want, name);
    }
  });
}

function fill(route: Route, server: Awaited<ReturnType<typeof startApi>>, caller: Caller): string {
  // What a create token may touch does not exist yet; what was deleted by an earlier row is put back.
  const id = caller === 'create' ? 'notes:newcomer' : 'notes%3Aalice';
  for (const name of ['alice', 'bob']) void server.control.spawn({ service: 'notes', id: name });
  return route.path
    .replace(':id', id)
    .replace(':name', 'KEY')
    .replace(':service', 'notes')
    .replace(':file', 'style.css')
    .replace(':prefix', () => server.token({ kind: 'create' }).slice(0, 12));
}

test('a tenant sees nothing of others in lists and logs', async (t) => {
  const server = await startApi(t);
  const token = server.token({ kind: 'tenant', tenant: 'alice' });
  for (const id of ['alice', 'bob']) {
    server.logs.add({ service: 'notes', id, stream: 'stdout', at: server.clock.now(), message: `of ${id}` });
  }
  for (const path of ['/api/instances?all=1', '/api/logs', '/api/logs?service=notes']) {
    const { status, text } = await server.call('GET', path, { token });
    t.is(status, 200);
    t.regex(text, /alice/, path);
    t.notRegex(text, /bob/, path);
  }
  for (const path of ['/api/logs?id=bob', '/api/logs?id=notes:bob', '/api/logs/stream?id=bob']) {
    t.is((await server.call('GET', path, { token })).status, 403, path);
  }
});

test('what a tenant may not see is 403 whether it exists or not', async (t) => {
  const server = await startApi(t);
  const token = server.token({ kind: 'tenant', tenant: 'alice' });
  t.is((await server.call('GET', '/api/instances/notes:bob', { token })).status, 403);
  t.is((await server.call('GET', '/api/instances/notes:nobody', { token })).status, 403);
  t.is((await server.call('GET', '/api/instances/nothing:alice', { token })).status, 404);
});

test('a create token creates, and never changes what exists', async (t) => {
  const server = await startApi(t);
  const token = server.token({ kind: 'create' });
  const body = { env: { PLAN: 'gold' }, weight: 10 };
  const first = await server.call('PUT', '/api/instances/notes:carol', { token, body });
  t.is(first.status, 201);
  t.is((await server.call('PUT', '/api/instances/notes:carol', { token, body: {} })).status, 403);
  t.is(
    (await server.call('PUT', '/api/instances/notes:alice', { token, body: { disabled: true } })).status,
    403,
  );
  const both = await Promise.all(
    [1, 2].map(() => server.call('PUT', '/api/instances/notes:dave', { token, body })),
  );
  t.deepEqual(both.map(({ status }) => status).sort(), [201, 403]);
});

test('the Unix socket needs no token; a token given there is honoured all the same', async (t) => {
  const server = await startApi(t);
  t.is((await server.call('GET', '/api/audit', { socket: true })).status, 200);
  const token = server.token({ kind: 'tenant', tenant: 'alice' });
  t.is((await server.call('GET', '/api/audit', { socket: true, token })).status, 403);
  t.is((await server.call('GET', '/api/audit', { socket: true, token: 'wrong' })).status, 401);
});
