import { type ChildProcess, spawn } from 'node:child_process';
import { get } from 'node:http';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { closedPort } from '../../helpers/closed-port.js';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { freePort } from '../../helpers/free-port.js';
import { startApp, startProxy, startRawApp } from '../../helpers/proxy-fixture.js';
import { eventually, exchange, RawClient } from '../../helpers/raw-http.js';

const HOST = 'Host: a.app.test\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const POST = `POST / HTTP/1.1\r\n${HOST}Connection: close\r\nContent-Length: 5\r\n\r\nhello`;

/** The first lease leads to an app that reads the whole request and dies; the next ones to one that echoes. */
async function dyingOnce(t: ExecutionContext) {
  let died = 0;
  const dying = await startRawApp(t, (socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      if (!/\r\n\r\n$|hello$/.test(text)) return;
      died += 1;
      socket.resetAndDestroy();
    });
  });
  const bodies: string[] = [];
  const living = await startApp(t, async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part);
    bodies.push(String(Buffer.concat(parts)));
    res.end(`alive ${bodies.at(-1)}`);
  });
  const fixture = await startProxy(t);
  fixture.upstreams.address = () => addressOf(fixture.upstreams.acquired === 1 ? dying : living);
  return { ...fixture, bodies, died: () => died };
}

test('a GET whose app died unanswered is sent once more', async (t) => {
  const { port, upstreams, died } = await dyingOnce(t);
  t.regex(await exchange(port, GET), /^HTTP\/1\.1 200 [\s\S]*alive $/);
  t.deepEqual([died(), upstreams.suspected, upstreams.acquired], [1, 1, 2]);
  await eventually(() => upstreams.open === 0, 'the leases to be released');
});

test('a PUT with a small body too, with the same body', async (t) => {
  const { port } = await dyingOnce(t);
  t.regex(await exchange(port, POST.replace('POST', 'PUT')), /^HTTP\/1\.1 200 [\s\S]*alive hello$/);
});

// Accident: an order is placed twice.
test('a POST that was written is not sent again', async (t) => {
  const { port, upstreams, bodies, died } = await dyingOnce(t);
  t.regex(await exchange(port, POST), /^HTTP\/1\.1 502 [\s\S]*tenement-error: upstream_failed/);
  t.deepEqual([died(), upstreams.suspected, upstreams.acquired], [1, 1, 1]);
  t.deepEqual(bodies, []);
});

test('a POST that could not be written is sent to the next lease, whole', async (t) => {
  const living = await startApp(t, (req, res) => {
    req.on('data', (chunk) => res.write(chunk)).on('end', () => res.end());
  });
  const { port, upstreams } = await startProxy(t);
  const unused = await closedPort(t);
  upstreams.address = () =>
    upstreams.acquired === 1 ? { host: '127.0.0.1', port: unused } : addressOf(living);
  t.regex(await exchange(port, POST), /^HTTP\/1\.1 200 [\s\S]*hello/);
  t.is(upstreams.suspected, 1);
});

test('a port that stays closed is given up: POST after 2 tries, GET after 4', async (t) => {
  const { port, upstreams } = await startProxy(t);
  const unused = await closedPort(t);
  upstreams.address = () => ({ host: '127.0.0.1', port: unused });
  t.regex(await exchange(port, POST), /^HTTP\/1\.1 502 /);
  t.is(upstreams.acquired, 2);
  t.regex(await exchange(port, GET), /^HTTP\/1\.1 502 /);
  t.is(upstreams.acquired, 6);
  t.is(upstreams.open, 0);
});

test('nonsense instead of an answer is 502 and not asked for again', async (t) => {
  const app = await startRawApp(t, (socket) => {
    socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n'));
  });
  const { port, upstreams } = await startProxy(t);
  upstreams.address = () => addressOf(app);
  t.regex(await exchange(port, GET), /^HTTP\/1\.1 502 /);
  t.deepEqual([upstreams.acquired, upstreams.suspected], [1, 0]);
});

test('a PUT too large to be kept is not sent again', async (t) => {
  const app = await startRawApp(t, (socket) => {
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > 200_000) socket.resetAndDestroy();
    });
  });
  const { port, upstreams } = await startProxy(t);
  upstreams.address = () => addressOf(app);
  const client = new RawClient(port);
  client.write(`PUT / HTTP/1.1\r\n${HOST}Content-Length: 300000\r\n\r\n`).write(Buffer.alloc(300_000));
  t.regex(await client.until(/upstream_failed/), /^HTTP\/1\.1 502 /);
  client.socket.destroy();
  t.is(upstreams.acquired, 1);
});

const APP = `require('node:http').createServer((q, s) => setTimeout(() => s.end('pid ' + process.pid), 5))
  .listen(+process.argv[1], '127.0.0.1')`;

test('kill -9 of an app under GET traffic gives no error when it is started again', async (t) => {
  const appPort = await freePort();
  const start = () => spawn(process.execPath, ['-e', APP, String(appPort)], { stdio: 'ignore' });
  let app: ChildProcess = start();
  t.teardown(() => app.kill('SIGKILL'));
  const { port, upstreams } = await startProxy(t);
  // As a supervisor does: a lease only on a living process that listens.
  upstreams.address = async () => {
    while (!(await accepts(appPort))) await new Promise((done) => setTimeout(done, 10));
    return { host: '127.0.0.1', port: appPort };
  };
  const answers = new Set<string>();
  // What each client got last: a request may be unlucky once, so all have to be served before the next kill.
  const last: string[] = [];
  let stop = false;
  const load = async (client: number) => {
    while (!stop) {
      const answer = await fetchText(port);
      last[client] = answer;
      answers.add(answer);
    }
  };
  const clients = [0, 1, 2, 3, 4, 5, 6, 7].map(load);
  const allServedBy = (pid: number | undefined) =>
    eventually(
      () => last.length === 8 && last.every((text) => text === `200 pid ${pid}`),
      `answers of ${pid}`,
    );
  for (let kills = 0; kills < 3; kills += 1) {
    await allServedBy(app.pid);
    const dead = new Promise((done) => app.once('exit', done));
    app.kill('SIGKILL');
    await dead;
    app = start();
  }
  await allServedBy(app.pid);
  stop = true;
  await Promise.all(clients);
  t.is(answers.size, 4, [...answers].join());
  t.true(upstreams.suspected > 0);
});

function fetchText(port: number): Promise<string> {
  return new Promise((resolve) => {
    get({ port, host: '127.0.0.1', headers: { Host: 'a.app.test' }, agent: false }, (res) => {
      let text = '';
      res.on('data', (chunk) => {
        text += chunk;
      });
      res.on('close', () => resolve(`${res.statusCode} ${text}`));
    }).on('error', (error) => resolve(`error ${error.message}`));
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
