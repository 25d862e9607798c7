import { Worker } from 'node:worker_threads';
import test from 'ava';
import { pino } from 'pino';
import type { Log } from '../../../src/base/log.js';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { collected, PlayedUpstreams, runPlane } from '../../helpers/plane-fixture.js';
import { startApp } from '../../helpers/proxy-fixture.js';
import { exchange, RawClient } from '../../helpers/raw-http.js';
import { until } from '../../helpers/until.js';

const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

test('a worker that dies gives everything back and is replaced on the same port', async (t) => {
  const app = await startApp(t, (request, response) => {
    if (request.url === '/') response.end('hello');
  });
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const lines: string[] = [];
  const log: Log = pino({}, { write: (line) => lines.push(line) });
  const { port, plane, config } = await runPlane(t, upstreams, { log });
  const open = new RawClient(port).write('GET /open HTTP/1.1\r\nHost: a.app.test\r\n\r\n');
  await until('it has a lease', () => upstreams.open === 1);
  // No message of ours: the worker fails on it, as it would on a bug, and so do those that follow it, until the config is mended.
  plane.update(undefined as never);
  await until('the lease is given back', () => upstreams.open === 0);
  await open.end();
  await until('it was tried again', () => lines.some((line) => line.includes('cannot be started again')));
  plane.update(config);
  await until('a new one answers', () =>
    lines.some((line) => line.includes('a new worker carries the traffic')),
  );
  t.regex(await exchange(port, get('a.app.test')), /hello$/);
  t.true(lines.some((line) => line.includes('the worker that carries the traffic died')));
  t.is(plane.addresses[0]?.kind === 'tcp' ? plane.addresses[0].port : 0, port);
});

test('close is quick, also twice and with a request open', async (t) => {
  const app = await startApp(t, () => {});
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port, plane } = await runPlane(t, upstreams);
  const open = new RawClient(port).write('GET / HTTP/1.1\r\nHost: a.app.test\r\n\r\n');
  await until('it has a lease', () => upstreams.open === 1);
  await Promise.all([plane.close({ graceMs: 50 }), plane.close({ graceMs: 50 })]);
  t.is(upstreams.open, 0);
  await open.end();
  await t.throwsAsync(exchangeOrFail(port));
});

async function exchangeOrFail(port: number): Promise<void> {
  const client = new RawClient(port);
  await client.end();
  if (client.error !== undefined) throw client.error;
}

/** App and client, away from the main thread: counts its answers in shared memory. */
const AWAY = `
const http = require('node:http');
const { parentPort, workerData } = require('node:worker_threads');
const answers = new Int32Array(workerData);
const app = http.createServer((request, response) => {
  if (request.url === '/open') response.write('begun');
  else response.end('hello');
});
app.listen(0, '127.0.0.1', () => parentPort.postMessage(app.address().port));
const agent = new http.Agent({ keepAlive: true });
parentPort.once('message', (port) => {
  const next = () => http.get({ port, host: '127.0.0.1', agent, headers: { Host: 'a.app.test' } }, (answer) => {
    answer.resume().on('end', () => {
      if (answer.statusCode !== 200) return;
      Atomics.add(answers, 0, 1);
      Atomics.notify(answers, 0);
      next();
    });
  }).on('error', () => {});
  next();
});
`;

test('requests to a granted instance go on while the main thread stands still', async (t) => {
  const shared = new SharedArrayBuffer(4);
  const answers = new Int32Array(shared);
  const away = new Worker(AWAY, { eval: true, workerData: shared });
  t.teardown(() => away.terminate());
  const appPort = await new Promise<number>((resolve) => away.once('message', resolve));
  const upstreams = new PlayedUpstreams(() => ({ host: '127.0.0.1', port: appPort }));
  const { port } = await runPlane(t, upstreams);
  // It keeps the grant in use: after a pause it would go back to the main thread, and who wanted it again would wait for that.
  const open = new RawClient(port).write('GET /open HTTP/1.1\r\nHost: a.app.test\r\n\r\n');
  await open.until(/begun/);
  away.postMessage(port);
  await until('the first answers', () => Atomics.load(answers, 0) > 5);
  // From here to the end of the loop this thread does nothing but wait, for 500 ms at least and until 100 more were answered.
  const before = Atomics.load(answers, 0);
  const started = performance.now();
  let now = before;
  while ((now < before + 100 || performance.now() < started + 500) && performance.now() < started + 60_000) {
    Atomics.wait(answers, 0, now, 1000);
    now = Atomics.load(answers, 0);
  }
  t.true(now >= before + 100, `${now - before} answers while the main thread stood still`);
  open.socket.destroy();
});

test('counts come in reports, and in-flight ends at nothing', async (t) => {
  const waiting: (() => void)[] = [];
  const app = await startApp(t, (request, response) => {
    if (request.url === '/slow') waiting.push(() => response.end('done'));
    else response.writeHead(404, { 'Content-Length': 7 }).end('nothing');
  });
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port, plane, reports } = await runPlane(t, upstreams);
  t.regex(await exchange(port, get('a.app.test')), /^HTTP\/1.1 404 /);
  const slow = new RawClient(port).write(
    'GET /slow HTTP/1.1\r\nHost: b.app.test\r\nConnection: close\r\n\r\n',
  );
  await until('it is with the app', () => waiting.length === 1);
  await collected(plane);
  t.is(plane.inFlight('app:b'), 1);
  t.is(plane.inFlight('app:a'), 0);
  waiting[0]?.();
  await slow.end();
  await until('in-flight is told', () => plane.inFlight('app:b') === 0);
  await collected(plane);
  const rows = reports.flatMap(({ requests }) => requests);
  const of = (instance: string) => rows.filter((row) => row.instance === instance);
  t.is(
    of('app:a').reduce((sum, row) => sum + (row.classes[4] ?? 0), 0),
    1,
  );
  t.is(
    of('app:a').reduce((sum, row) => sum + row.bytesOut, 0),
    'nothing'.length,
  );
  t.is(
    of('app:b').reduce((sum, row) => sum + (row.classes[2] ?? 0), 0),
    1,
  );
  t.is(
    of('app:b')
      .flatMap(({ durations }) => durations)
      .reduce((sum, count) => sum + count, 0),
    1,
  );
});

test('an address that is taken is an error before anything else', async (t) => {
  const app = await startApp(t, () => {});
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const taken = addressOf(app);
  const error = await t.throwsAsync(runPlane(t, upstreams, { listen: [{ kind: 'tcp', ...taken }] }));
  t.like(error, { code: 'listen_failed', details: { errno: 'EADDRINUSE' } });
});

test('a reload changes routing and limits of open connections', async (t) => {
  const app = await startApp(t, (_request, response) => response.end('hello'));
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port, plane, config } = await runPlane(t, upstreams);
  const client = new RawClient(port).write('GET / HTTP/1.1\r\nHost: a.app.test\r\n\r\n');
  await client.until(/hello$/);
  plane.update({ ...config, table: { ...config.table, domain: 'other' } });
  await collected(plane);
  client.write('GET / HTTP/1.1\r\nHost: a.app.test\r\n\r\n');
  t.regex(await client.until(/HTTP\/1.1 404/), /tenement-error: unknown_host/);
  client.socket.destroy();
});
