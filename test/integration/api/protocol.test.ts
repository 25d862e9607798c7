import test from 'ava';
import * as protocol from '../../../src/api/protocol.js';
import { startApi } from '../../helpers/api-server.js';

test('an instance has the documented fields, with null for what is not known', async (t) => {
  const server = await startApi(t);
  await server.control.stop({ service: 'notes', id: 'bob' }, { hold: false });
  const awake = await server.call('GET', '/api/instances', { socket: true });
  t.deepEqual(
    protocol.InstanceList.parse(awake.body).map(({ id }) => id),
    ['notes:alice', 'shop:alice'],
  );
  const all = await server.call('GET', '/api/instances?all=1', { socket: true });
  t.deepEqual((all.body as unknown[])[1], {
    id: 'notes:bob',
    service: 'notes',
    instance_id: 'bob',
    state: 'stopped',
    want: 'on-demand',
    health: 'sleeping',
    address: null,
    socket: null,
    uptime_secs: null,
    idle_secs: null,
    restarts: 0,
    weight: 100,
    pid: null,
    backend: 'process',
    memory_bytes: null,
    cpu_secs: null,
    storage_used_bytes: null,
    storage_quota_bytes: null,
    in_flight: 0,
    last_problem: null,
  });
});

test('instances are spawned, stopped, started, restarted, weighed and removed', async (t) => {
  const server = await startApi(t);
  const call = (method: string, path: string, body?: unknown) =>
    server.call(method, path, { socket: true, body });
  t.deepEqual((await call('POST', '/api/instances/spawn', { process: 'notes', id: 'carol' })).body, {
    instance: 'notes:carol',
    socket: '127.0.0.1:30001',
    port: 30001,
  });
  t.is((await call('DELETE', '/api/instances/notes:carol')).status, 204);
  t.is((await call('POST', '/api/instances/notes:carol/start')).status, 200);
  t.is((await call('POST', '/api/instances/notes:nobody/start')).status, 404);
  const stopped = await call('POST', '/api/instances/notes%3Acarol/stop', { hold: true });
  t.is(protocol.Instance.parse(stopped.body).want, 'down');
  t.is((await call('POST', '/api/instances/notes:carol/restart')).status, 200);
  t.deepEqual((await call('PUT', '/api/instances/notes:carol/weight', { weight: 7 })).body, {
    instance: 'notes:carol',
    weight: 7,
  });
  t.deepEqual((await call('GET', '/api/instances/notes:carol/health')).body, {
    id: 'notes:carol',
    instance: 'notes:carol',
    health: 'healthy',
    state: 'ready',
    last_problem: null,
  });
  t.deepEqual((await call('GET', '/api/instances/notes:carol/storage')).body, {
    used_bytes: 250,
    quota_bytes: 1000,
    usage_percent: 25,
  });
  t.is((await call('DELETE', '/api/instances/notes:carol?purge=1')).status, 422);
  t.is((await call('DELETE', '/api/instances/notes:carol?forget=1&purge=1')).status, 204);
  t.is((await call('POST', '/api/instances/notes:carol/remove', {})).status, 404);
  t.deepEqual((await call('POST', '/api/instances/notes:alice/remove', { purge: true })).body, {
    id: 'notes:alice',
    trash: null,
    deleted: ['/data/notes/alice'],
    kept: [],
  });
  t.is((await call('GET', '/api/instances/notes:carol')).status, 404);
  t.deepEqual(server.control.calls, [
    'spawn notes:carol',
    'stop notes:carol',
    'spawn notes:carol',
    'stop notes:carol hold',
    'restart notes:carol',
    'remove notes:carol purge',
    'remove notes:carol',
    'remove notes:alice purge',
  ]);
});

test('deploy and route answer with instances and weights', async (t) => {
  const server = await startApi(t);
  const deploy = { service: 'notes', version: 'v2', weight: 5 };
  t.deepEqual((await server.call('POST', '/api/deploy', { socket: true, body: deploy })).body, {
    instance: 'notes:v2',
    socket: '127.0.0.1:30001',
    weight: 5,
    status: 'healthy',
  });
  const route = { process: 'notes', from: 'alice', to: 'v2' };
  t.deepEqual((await server.call('POST', '/api/route', { socket: true, body: route })).body, {
    from_instance: 'notes:alice',
    to_instance: 'notes:v2',
    from_weight: 0,
    to_weight: 100,
  });
});

test('environment values are set, kept and never shown', async (t) => {
  const server = await startApi(t);
  const path = '/api/instances/notes:alice/env';
  const set = await server.call('PUT', `${path}/STRIPE_KEY`, { socket: true, body: { value: 'sk_live_1' } });
  t.deepEqual(set.body, { id: 'notes:alice', env: { STRIPE_KEY: '***' } });
  t.is(server.control.env({ service: 'notes', id: 'alice' }).STRIPE_KEY, 'sk_live_1');
  t.is((await server.call('PUT', `${path}/NOT-A-NAME`, { socket: true, body: { value: '1' } })).status, 422);
  const audit = await server.call('GET', '/api/audit', { socket: true });
  t.regex(audit.text, /STRIPE_KEY/);
  t.notRegex(audit.text, /sk_live_1/);
  t.deepEqual((await server.call('DELETE', `${path}/STRIPE_KEY`, { socket: true })).body, {
    id: 'notes:alice',
    env: {},
  });
});

test('the restart of a service reports each instance, and its failure as the last line', async (t) => {
  const server = await startApi(t);
  const restart = () => server.call('POST', '/api/services/notes/restart', { socket: true });
  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => protocol.RestartProgress.parse(JSON.parse(line)));
  const good = await restart();
  t.is(good.headers['content-type'], 'application/x-ndjson');
  t.deepEqual(lines(good.text), [
    { type: 'progress', instance: 'notes:alice', done: 1, total: 2 },
    { type: 'progress', instance: 'notes:bob', done: 2, total: 2 },
    { type: 'done', restarted: 2 },
  ]);
  server.control.failures.set('restartService', new Error('/secret/path broke'));
  const bad = lines((await restart()).text);
  t.is(bad.length, 2);
  t.is(bad[1]?.type, 'error');
  t.notRegex(JSON.stringify(bad), /secret/, 'what went wrong inside is for the log');
  const unknown = await server.call('POST', '/api/services/nothing/restart', { socket: true });
  t.is(unknown.status, 404, 'before the first line an error has its own status');
});

test('tokens are made, listed without their secret, and end when revoked', async (t) => {
  const server = await startApi(t);
  const made = await server.call('POST', '/api/tokens', { socket: true, body: { tenant: 'alice' } });
  t.is(made.status, 201);
  const { token, prefix, scope } = made.body as { token: string; prefix: string; scope: string };
  t.is(scope, 'tenant');
  t.is((await server.call('GET', '/api/instances', { token })).status, 200);
  t.false((await server.call('GET', '/api/tokens', { socket: true })).text.includes(token));
  t.is((await server.call('DELETE', `/api/tokens/${prefix}`, { socket: true })).status, 204);
  t.is((await server.call('DELETE', `/api/tokens/${prefix}`, { socket: true })).status, 404);
  t.is((await server.call('GET', '/api/instances', { token })).status, 401);
  for (const body of [{ scope: 'tenant' }, { scope: 'admin', tenant: 'alice' }, { scope: 'root' }]) {
    t.is((await server.call('POST', '/api/tokens', { socket: true, body })).status, 422);
  }
});

test('every mutation leaves a trace, the refused and failed ones too; strangers leave none', async (t) => {
  const server = await startApi(t);
  const token = server.token({ kind: 'tenant', tenant: 'alice' });
  await server.call('POST', '/api/instances/spawn', { socket: true, body: { process: 'nope', id: 'x' } });
  await server.call('DELETE', '/api/instances/notes:bob', { token });
  await server.call('DELETE', '/api/instances/notes:bob');
  await server.call('POST', '/api/instances/notes:alice/restart', { token });
  const rows = server.store.audit.list({ limit: 10 });
  const actor = `token:${token.slice(0, 12)}`;
  t.deepEqual(
    rows.map((row) => [row.actor, row.action, row.target, row.outcome]),
    [
      [actor, 'restart', 'notes:alice', 'ok'],
      [actor, 'stop', 'notes:bob', 'failed'],
      ['socket', 'spawn', 'nope:x', 'failed'],
    ],
  );
  const one = await server.call('GET', '/api/audit?limit=5&target=nope:x', { socket: true });
  t.is((one.body as unknown[]).length, 1);
});
