import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { alive, nodeCommand, TestServer, workbench } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const host = 'alice.app.localhost';

test('kill -9 of an awake app during traffic: GETs whose answer had not begun see no error', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  const statuses: number[] = [];
  let going = true;
  const clients = Array.from({ length: 8 }, async () => {
    while (going) statuses.push((await server.get(host, '/slow?ms=20')).status);
  });
  await until('traffic flows', () => statuses.length > 40);
  const [first] = server.starts('app', 'alice');
  process.kill(first ?? 0, 'SIGKILL');
  const before = statuses.length;
  await until('traffic flows again', () => statuses.length > before + 40);
  going = false;
  await Promise.all(clients);
  t.deepEqual(new Set(statuses), new Set([200]));
  t.is(server.starts('app', 'alice').length, 2);
});

test('a POST that the app may have seen is not sent again', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  const reply = await server.get(host, '/die', { method: 'POST', body: 'order' });
  t.is(reply.status, 502);
  t.is(reply.headers['tenement-error'], 'upstream_failed');
  t.is((await server.get(host, '/pid')).status, 200);
});

test('kill -9 of the server: the app goes on, and the next server adopts the same process', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  const pid = (await server.get(host, '/pid')).text;
  await server.kill();
  t.true(alive(Number(pid)));
  await server.run();
  t.is((await server.get(host, '/pid')).text, pid);
  t.is(server.starts('app', 'alice').length, 1);
  await server.ten('stop', 'app:alice');
  t.false(alive(Number(pid)));
});

test('an app that died while no server was there is simply started again', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  const pid = Number((await server.get(host, '/pid')).text);
  await server.kill();
  process.kill(pid, 'SIGKILL');
  await until('it is dead', () => !alive(pid));
  await server.run();
  t.not((await server.get(host, '/pid')).text, String(pid));
});

test('a main process that died and left a child behind: never two on one directory', async (t) => {
  const server = await TestServer.start(
    t,
    `[service.app]\n${nodeCommand('fork-setsid.mjs')}\nworkdir = "work"\nisolation = "process"\nhealth = "/"\n[service.app.env]\nPID_FILE = "{data_dir}/app/{id}/pid"\n`,
  );
  await server.ten('spawn', 'app:alice');
  const main = Number((await server.get(host, '/')).text);
  const child = Number(readFileSync(join(server.dataDir, 'app', 'alice', 'pid'), 'utf8'));
  await server.kill();
  process.kill(main, 'SIGKILL');
  await until('the main process is dead', () => !alive(main));
  await server.run();
  const reply = await server.get(host, '/');
  t.true(reply.status === 502 || !alive(child), 'either a clear refusal or the leftover is gone');
  t.false(reply.status === 200 && alive(child));
  if (alive(child)) process.kill(child, 'SIGKILL');
});

test('a second server on the same data directory is refused', async (t) => {
  const server = await TestServer.start(t, workbench());
  const second = await server.ten('serve', '--port', '1');
  t.is(second.exitCode, 1);
  t.regex(second.stderr, new RegExp(`${server.pid}|data directory`));
});

test('SIGTERM to the server ends every instance and the server, with exit code 0', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  await server.ten('spawn', 'app:bob');
  const pids = [...server.starts('app', 'alice'), ...server.starts('app', 'bob')];
  await server.stop();
  t.deepEqual(pids.filter(alive), []);
});

test('what was registered is known after a restart: it sleeps and wakes with its data', async (t) => {
  const server = await TestServer.start(t, workbench('app', 'idle_timeout = 60'));
  await server.ten('spawn', 'app:alice');
  await server.stop();
  await server.run();
  t.is(await server.health('app:alice'), 'sleeping');
  t.is((await server.get(host, '/pid')).status, 200);
  t.is(server.starts('app', 'alice').length, 2);
});

test('a second signal ends a shutdown that an open stream holds up', async (t) => {
  const server = await TestServer.start(t, workbench().replace('drain_timeout = 1', 'drain_timeout = 600'));
  await server.ten('spawn', 'app:alice');
  const stream = connect(server.port, '127.0.0.1');
  stream.on('error', () => undefined);
  let seen = '';
  stream.on('data', (chunk) => {
    seen += chunk;
  });
  stream.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await until('the stream is open', () => seen.includes('hello'));
  // What is in flight is told by the traffic's thread once a second.
  await until(
    'it is counted',
    async () => JSON.parse((await server.ten('ps', '--json')).stdout)[0].in_flight === 1,
  );
  process.kill(server.pid, 'SIGTERM');
  await until('the operator is told', () => server.output.includes('a second signal cuts them'));
  // Signals within a second count as one. A single one: a server that is on its way out takes the next one's default.
  await delay(1500);
  process.kill(server.pid, 'SIGTERM');
  await until(
    () => `the server has ended: ${server.output}`,
    () => server.ended,
  );
  t.is(server.exitCode, 0);
  t.true(server.output.includes('asked for twice'), server.output);
  stream.destroy();
});
