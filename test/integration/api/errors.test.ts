import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { ErrorBody } from '../../../src/api/protocol.js';
import { TenementError } from '../../../src/base/errors.js';
import { createLog } from '../../../src/base/log.js';
import { startApi } from '../../helpers/api-server.js';

test('errors have one shape, a status and a code that says whose answer it is', async (t) => {
  const server = await startApi(t);
  const cases: [string, string, unknown, number][] = [
    ['GET', '/api/nothing', undefined, 404],
    ['GET', '/nothing', undefined, 404],
    ['GET', '/api/instances/notes:nobody', undefined, 404],
    ['GET', '/api/instances/%E0%A4%A', undefined, 400],
    ['GET', '/api/instances/Notes:ALICE', undefined, 422],
    ['GET', '/api/instances/notes', undefined, 422],
    ['GET', '/api/instances?alll=1', undefined, 422],
    ['GET', '/api/logs?limit=0', undefined, 422],
    ['GET', '/api/logs?limit=1&limit=2', undefined, 400],
    ['GET', '/api/logs?since=yesterday', undefined, 422],
    ['GET', '/api/logs?service=notes&process=shop', undefined, 422],
    ['PUT', '/api/instances/notes:alice/weight', { weight: 101 }, 422],
    ['PUT', '/api/instances/notes:alice/weight', { wieght: 1 }, 422],
    ['PUT', '/api/instances/notes:alice/weight', '{"weight":', 400],
    ['PUT', '/api/instances/notes:alice/weight', [], 422],
    ['POST', '/api/instances/spawn', { id: 'alice' }, 422],
    ['POST', '/api/instances/spawn', { process: 'notes', service: 'shop', id: 'alice' }, 422],
    ['PATCH', '/api/instances', undefined, 405],
    ['OPTIONS', '/api/instances', undefined, 405],
  ];
  for (const [method, path, body, status] of cases) {
    const reply = await server.call(method, path, { socket: true, body });
    t.is(reply.status, status, `${method} ${path}`);
    const { error } = ErrorBody.parse(reply.body);
    t.not(error.hint, '');
    t.is(reply.headers['tenement-error'], error.code);
  }
});

test('a wrong field is named, its value is not', async (t) => {
  const server = await startApi(t);
  const body = { env: { KEY: 12345678 }, weight: 'heavy-secret' };
  const reply = await server.call('PUT', '/api/instances/notes:alice', { socket: true, body });
  t.regex(reply.text, /env\.KEY: .*weight: /);
  t.notRegex(reply.text, /12345678|heavy-secret/);
});

test('JSON is read whatever the content type says, as curl -d sends it', async (t) => {
  const server = await startApi(t);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const reply = await server.call('PUT', '/api/instances/notes:alice/weight', {
    socket: true,
    headers,
    body: '{"weight": 3}',
  });
  t.is(reply.status, 200);
});

test('401 says how to authenticate, 405 what is allowed, and nothing answers other origins', async (t) => {
  const server = await startApi(t);
  const headers = { origin: 'https://evil.example' };
  const missing = await server.call('GET', '/api/instances', { headers });
  t.is(missing.status, 401);
  t.regex(missing.headers['www-authenticate'] ?? '', /^Bearer/);
  t.is((await server.call('GET', '/api/anything')).status, 401, 'strangers are not told which paths exist');
  const method = await server.call('POST', '/api/instances', { socket: true, headers });
  t.is(method.headers.allow, 'GET, HEAD');
  for (const reply of [missing, method]) {
    t.deepEqual(
      Object.keys(reply.headers).filter((name) => name.startsWith('access-control-')),
      [],
    );
    t.is(reply.headers['x-content-type-options'], 'nosniff');
    t.is(reply.headers['cache-control'], 'no-store');
  }
});

test('HEAD is answered as GET without a body', async (t) => {
  const server = await startApi(t);
  for (const path of ['/health', '/api/instances', '/api/logs/stream']) {
    const reply = await server.call('HEAD', path, { socket: true });
    t.is(reply.status, 200, path);
    t.is(reply.text, '');
  }
});

test('a body of more than 1 MiB is refused, announced or not', async (t) => {
  const server = await startApi(t);
  const big = JSON.stringify({ weight: 1, x: 'x'.repeat(1024 * 1024) });
  const path = '/api/instances/notes:alice/weight';
  t.is((await server.call('PUT', path, { socket: true, body: big })).status, 413);
  const token = server.token({ kind: 'admin' });
  const socket = connect(server.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  socket.write(
    `PUT ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  for (let i = 0; i < 20; i += 1) socket.write(chunk);
  const [answer] = await once(socket, 'data');
  t.regex(String(answer), /^HTTP\/1\.1 413 /);
});

test('a stranger with a large body gets the 401 and a closed connection', async (t) => {
  const server = await startApi(t);
  const socket = connect(server.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  socket.write('POST /api/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx');
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  await once(socket, 'close');
  t.regex(text, /^HTTP\/1\.1 401 /);
  t.regex(text, /connection: close/i);
});

test('bad tokens get 429 after 20 a minute from one address; good ones never do', async (t) => {
  const server = await startApi(t);
  const good = server.token({ kind: 'admin' });
  const status = async (token?: string) => (await server.call('GET', '/api/instances', { token })).status;
  for (let i = 0; i < 20; i += 1) t.is(await status(`guess${i}`), 401);
  const limited = await server.call('GET', '/api/instances', { token: 'guess' });
  t.is(limited.status, 429);
  t.is(limited.headers['retry-after'], '60');
  t.is(await status(good), 200);
  t.is(await status(), 401, 'no token is not a bad token');
  server.clock.advance(60_000);
  t.is(await status('guess'), 401);
});

test('what breaks inside is told to the log, not to the client', async (t) => {
  const server = await startApi(t);
  server.control.failures.set('list', new Error('/var/lib/secret is gone'));
  const reply = await server.call('GET', '/api/instances', { socket: true });
  t.is(reply.status, 500);
  t.notRegex(reply.text, /secret/);
});

test('the log has message, stack and cause of what broke inside', async (t) => {
  const lines: { level: string; bindings: Record<string, unknown> }[] = [];
  const log = createLog('silent');
  const keep = (level: string) => (bindings: unknown) => {
    lines.push({ level, bindings: bindings as Record<string, unknown> });
  };
  const recording = { ...log, error: keep('error'), debug: keep('debug') } as typeof log;
  const server = await startApi(t, { log: recording });
  const cause = new Error('EIO of the disk');
  server.control.failures.set('list', new TenementError('internal', 'the list broke', { cause }));
  await server.call('GET', '/api/instances', { socket: true });
  server.control.failures.clear();
  t.is(lines.length, 1);
  // pino writes out an error under this name alone.
  t.like(lines[0]?.bindings.err, { cause });
  t.is(lines[0]?.bindings.error, undefined);
});

test('variables that only tenement sets are refused, as in the config', async (t) => {
  const server = await startApi(t);
  for (const name of ['PORT', 'SOCKET_PATH', 'TENEMENT_URL', 'TENEMENT_X', 'LISTEN_FDS', 'NOTIFY_SOCKET']) {
    const one = await server.call('PUT', `/api/instances/notes:alice/env/${name}`, {
      socket: true,
      body: { value: '99' },
    });
    const whole = await server.call('PUT', '/api/instances/notes:alice', {
      socket: true,
      body: { env: { GOOD: '1', [name]: '99' } },
    });
    for (const reply of [one, whole]) {
      t.is(reply.status, 422, name);
      t.regex(reply.text, /set by tenement itself/);
      t.notRegex(reply.text, /99/);
    }
    t.deepEqual(server.control.kept.get('notes:alice')?.env, {}, 'nothing of it was taken');
    const unset = await server.call('DELETE', `/api/instances/notes:alice/env/${name}`, { socket: true });
    t.is(unset.status, 200, 'what an earlier version accepted can be removed');
  }
  const free = await server.call('PUT', '/api/instances/notes:alice', {
    socket: true,
    body: { env: { PORTAL: '1', MY_PORT: '2', LISTEN_ON: '3' } },
  });
  t.is(free.status, 200);
});

test('with must_exist an unknown name is 404, without it nothing', async (t) => {
  const server = await startApi(t);
  const tenant = server.token({ kind: 'tenant', tenant: 'bob' });
  const cases: [string, string | undefined, number][] = [
    ['/api/instances?service=nosvc', undefined, 404],
    ['/api/instances?service=notes', undefined, 200],
    ['/api/logs?service=nosvc', undefined, 404],
    ['/api/logs?id=nosvc:a', undefined, 404],
    ['/api/logs?id=notes:zzz', undefined, 404],
    ['/api/logs?id=zzz', undefined, 404],
    ['/api/logs?id=alice', undefined, 200],
    ['/api/logs?service=notes', undefined, 200],
    ['/api/logs/stream?id=notes:zzz', undefined, 404],
    // A tenant is not told of services where it has nothing.
    ['/api/instances?service=shop', tenant, 404],
    ['/api/instances?service=notes', tenant, 200],
    ['/api/logs?service=shop', tenant, 404],
    ['/api/logs?service=notes', tenant, 200],
  ];
  for (const [path, token, status] of cases) {
    const options = token === undefined ? { socket: true } : { token };
    t.is((await server.call('GET', `${path}&must_exist=1`, options)).status, status, path);
    if (!path.includes('stream')) t.is((await server.call('GET', path, options)).status, 200, path);
  }
});

test('a target in absolute form is read by its path', async (t) => {
  const server = await startApi(t);
  t.is((await server.call('GET', 'http://localhost/api/instances?all=1', { socket: true })).status, 200);
  t.is((await server.call('GET', '//localhost/api/instances', { socket: true })).status, 404);
  t.is((await server.call('GET', '/assets/../health', { socket: true })).status, 404);
});

test('that a service does not exist is told with those that do to an admin alone', async (t) => {
  const server = await startApi(t);
  const hint = async (scope: Parameters<typeof server.token>[0]) => {
    const { status, body } = await server.call('GET', '/api/instances/nots:alice', {
      token: server.token(scope),
    });
    t.is(status, 404);
    return ErrorBody.parse(body).error.hint;
  };
  t.is(await hint({ kind: 'admin' }), 'Did you mean "notes"? The services are: notes, shop.');
  t.notRegex(await hint({ kind: 'tenant', tenant: 'alice' }), /notes|shop/);
});
