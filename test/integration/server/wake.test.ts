import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { nodeCommand, TestServer, workbench } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const host = 'alice.app.localhost';
/** Its app listens once the test has made the file `open` in its working directory, and sleeps a second after its last request. */
const gated = `
[service.app]
${nodeCommand('listen-late.mjs')}
workdir = "work"
isolation = "process"
idle_timeout = 1
health = "/"
[service.app.env]
LATE_FILE = "open"
`;
const gateOf = (server: TestServer) => join(server.directory, 'work', 'open');

/** A server whose instance has run once and sleeps, its gate closed. */
async function asleep(t: ExecutionContext): Promise<TestServer> {
  const server = await TestServer.start(t, gated);
  writeFileSync(gateOf(server), '');
  const spawned = await server.ten('spawn', 'app:alice');
  t.is(spawned.exitCode, 0, spawned.stderr);
  await server.ten('stop', 'app:alice');
  rmSync(gateOf(server));
  t.is(starts(server), 1);
  return server;
}

/** How often the server's log says that an instance began to start. */
const starts = (server: TestServer) => server.output.split('stopped -> starting').length - 1;

test('20 parallel requests to a sleeping instance: one process, 20 answers', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  await server.ten('stop', 'app:alice');
  t.is(server.starts('app', 'alice').length, 1);
  const replies = await Promise.all(Array.from({ length: 20 }, () => server.get(host, '/pid')));
  t.deepEqual(new Set(replies.map((reply) => reply.status)), new Set([200]));
  t.is(new Set(replies.map((reply) => reply.text)).size, 1);
  t.is(server.starts('app', 'alice').length, 2);
});

test('20 requests while it is being stopped are answered by one new process', async (t) => {
  const server = await TestServer.start(
    t,
    `[service.app]\n${nodeCommand('slow-term.mjs')}\nisolation = "process"\nhealth = "/"\n`,
  );
  await server.ten('spawn', 'app:alice');
  const old = (await server.get(host, '/')).text;
  const stopped = server.ten('stop', 'app:alice');
  await until('the stop is under way', () => server.output.includes('ready -> stopping'));
  const replies = await Promise.all(Array.from({ length: 20 }, () => server.get(host, '/')));
  t.is((await stopped).exitCode, 0);
  t.deepEqual(new Set(replies.map((reply) => reply.status)), new Set([200]));
  t.is(new Set(replies.map((reply) => reply.text)).size, 1);
  t.not(replies[0]?.text ?? old, old);
  t.is((await server.get(host, '/')).text, replies[0]?.text ?? '', 'no hang afterwards');
});

test('50 ask and 49 hang up during the start: one start, and it later sleeps', async (t) => {
  const server = await asleep(t);
  const sockets = Array.from({ length: 49 }, () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return socket;
  });
  await until('the wake is under way', () => starts(server) === 2);
  const last = server.get(host, '/');
  for (const socket of sockets) socket.destroy();
  writeFileSync(gateOf(server), '');
  t.is((await last).status, 200);
  await server.untilHealth('app:alice', 'sleeping');
  t.is(starts(server), 2, 'the spawn and one wake');
});

test('all hang up during the start: it becomes ready, then sleeps', async (t) => {
  const server = await asleep(t);
  const socket = connect(server.port, '127.0.0.1');
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await until('the wake is under way', () => starts(server) === 2);
  socket.destroy();
  writeFileSync(gateOf(server), '');
  await server.untilHealth('app:alice', 'sleeping');
  t.is(starts(server), 2, 'the spawn and one wake');
  t.is((await server.get(host, '/')).status, 200);
});

test('a silent WebSocket and a silent SSE stream keep it awake; it sleeps after they close', async (t) => {
  const server = await TestServer.start(t, workbench('app', 'idle_timeout = 1'));
  await server.ten('spawn', 'app:alice');
  const ws = connect(server.port, '127.0.0.1');
  ws.write(`GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
  const sse = connect(server.port, '127.0.0.1');
  sse.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const seen = { ws: '', sse: '' };
  ws.on('data', (chunk) => {
    seen.ws += chunk;
  });
  sse.on('data', (chunk) => {
    seen.sse += chunk;
  });
  await until('both are open', () => seen.ws.includes('101') && seen.sse.includes('data: hello'));
  // On a slow machine it has slept already, between its start and these two.
  const before = server.starts('app', 'alice');
  await delay(3000); // three times idle_timeout
  ws.write('still here');
  await until('the upgraded socket still works', () => seen.ws.includes('still here'));
  ws.destroy();
  await delay(1500);
  t.is(await server.health('app:alice'), 'healthy', 'the event stream alone keeps it awake');
  sse.destroy();
  await server.untilHealth('app:alice', 'sleeping');
  t.deepEqual(server.starts('app', 'alice'), before);
});

// The idle time is long enough for a machine that stands still for a while between the two.
test('a response of twice idle_timeout, then a request half a second later: the same process', async (t) => {
  const server = await TestServer.start(t, workbench('app', 'idle_timeout = 6'));
  await server.ten('spawn', 'app:alice');
  const long = await server.get(host, '/drip?ms=12000');
  t.regex(long.text, /^begin \d+$/);
  await delay(500);
  t.is((await server.get(host, '/pid')).text, long.text.replace('begin ', ''));
});

test('health checks are not activity', async (t) => {
  const server = await TestServer.start(
    t,
    `[settings]\nhealth_check_interval = 0.2\n${workbench('app', 'idle_timeout = 1')}`,
  );
  await server.ten('spawn', 'app:alice');
  await server.untilHealth('app:alice', 'sleeping');
  t.is((await server.get(host, '/pid')).status, 200);
});

test('a held instance stays down, a disabled one too, until a person says otherwise', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  await server.ten('stop', 'app:alice', '--hold');
  const held = await server.get(host, '/pid');
  t.is(held.status, 503);
  t.is(held.headers['tenement-error'], 'held');
  t.truthy(held.headers['retry-after']);
  await server.ten('start', 'app:alice');
  t.is((await server.get(host, '/pid')).status, 200);
  await server.ten('disable', 'app:alice');
  t.is((await server.get(host, '/pid')).headers['tenement-error'], 'disabled');
  t.is((await server.ten('start', 'app:alice')).exitCode, 1);
  t.regex((await server.ten('enable', 'app:alice')).stdout, /next request wakes it/);
  t.is((await server.get(host, '/pid')).status, 200);
  for (const words of [['stop', '--hold'], ['disable']]) await server.ten(...words, 'app:alice');
  t.regex((await server.ten('enable', 'app:alice')).stdout, /is held: `ten start app:alice`/);
  t.is((await server.get(host, '/pid')).headers['tenement-error'], 'held');
});
