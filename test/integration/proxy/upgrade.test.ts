import { createServer } from 'node:http';
import test from 'ava';
import { WebSocket, WebSocketServer } from 'ws';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { startProxy, startWith, startWithRaw } from '../../helpers/proxy-fixture.js';
import { eventually, RawClient } from '../../helpers/raw-http.js';

const ASK = 'GET /ws HTTP/1.1\r\nHost: a.app.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

test('a WebSocket works, holds its lease, and gives it back', async (t) => {
  const http = createServer();
  const app = new WebSocketServer({ server: http });
  app.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  t.teardown(() => http.close());
  const { port, upstreams, ends } = await startProxy(t);
  upstreams.address = () => addressOf(http);
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { Host: 'a.app.test' } });
  await new Promise((done) => client.once('open', done));
  client.send('hello');
  const answer = await new Promise((done) => client.once('message', (data) => done(String(data))));
  t.is(answer, 'echo hello');
  t.is(upstreams.open, 1);
  client.close();
  await eventually(() => upstreams.open === 0 && ends.length === 1, 'the lease to be released');
  t.like(ends[0], { status: 101, instance: 'app:a' });
});

test('early bytes of either side are not lost, and each side ends by itself', async (t) => {
  const { port, upstreams } = await startWithRaw(t, (socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      if (text === '') socket.write(`${SWITCH}early`);
      text += chunk;
    });
    socket.on('end', () => socket.end(`got ${text.split('\r\n\r\n')[1]}`));
  });
  const client = new RawClient(port).write(`${ASK}before`);
  t.regex(await client.until(/early$/), /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\n/);
  client.write(' after');
  client.socket.end();
  t.regex(await client.end(), /earlygot before after$/);
  await eventually(() => upstreams.open === 0, 'the lease to be released');
});

test('an answer other than 101 is passed with its body', async (t) => {
  const { port, upstreams } = await startWith(t, (_req, res) => {
    res.writeHead(403, { 'X-Why': 'no' });
    res.end('forbidden here');
  });
  // node:http calls a listener without 'upgrade' handler like for any request.
  const answer = await new RawClient(port).write(ASK).end();
  t.regex(answer, /^HTTP\/1\.1 403 Forbidden\r\nX-Why: no\r\n[\s\S]*forbidden here/);
  await eventually(() => upstreams.open === 0, 'the lease to be released');
});

// Attack: a second request hidden behind an upgrade that the app ignores would reach it without our header rules.
test('nothing behind the head reaches the app before its 101', async (t) => {
  let seen = '';
  const { port } = await startWithRaw(t, (socket) => {
    socket.on('data', (chunk) => {
      seen += chunk;
      setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 50);
    });
  });
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: a.app.test\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n';
  const answer = await new RawClient(port).write(ASK + hidden).end();
  t.regex(answer, /^HTTP\/1\.1 200 [\s\S]*ok$/);
  t.notRegex(seen, /hidden|1\.1\.1\.1/);
});

test('a request with a body that asks for an upgrade is an ordinary one', async (t) => {
  const { port } = await startWith(t, async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part);
    res.end(`${req.headers.upgrade} ${req.headers['http2-settings']} ${Buffer.concat(parts)}`);
  });
  const client = new RawClient(port);
  client.write(
    'POST / HTTP/1.1\r\nHost: a.app.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nContent-Length: 5\r\n\r\nhe',
  );
  client.write('llo');
  await client.until(/undefined undefined hello/);
  client.write('GET / HTTP/1.1\r\nHost: a.app.test\r\nConnection: close\r\n\r\n');
  t.regex(await client.end(), /undefined undefined hello[\s\S]*undefined undefined $/);
});

test('an upgrade of what is ours is an ordinary request', async (t) => {
  const { port } = await startProxy(t);
  const ask = 'GET /api/x HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n';
  t.regex(await new RawClient(port).write(ask).end(), /^HTTP\/1\.1 200 [\s\S]*own GET \/api\/x true$/);
});

test('an app that never answers, and one that dies after 101', async (t) => {
  const { port, upstreams } = await startWithRaw(t, (socket) => {
    socket.once('data', (chunk) => {
      if (String(chunk).includes('/die'))
        socket.write(SWITCH, () => setTimeout(() => socket.resetAndDestroy(), 20));
    });
  });
  const patient = upstreams.policyValue;
  upstreams.policyValue = { requestTimeoutMs: 50, maxBodyBytes: undefined };
  t.regex(await new RawClient(port).write(ASK).end(), /^HTTP\/1\.1 504 /);
  upstreams.policyValue = patient;
  const client = new RawClient(port).write(ASK.replace('/ws', '/die'));
  t.regex(await client.end(), /^HTTP\/1\.1 101 /);
  await eventually(() => upstreams.open === 0, 'the leases to be released');
});

test('a lease that must end closes both sides; an unknown name gets its 404', async (t) => {
  let appClosed = false;
  const { port, upstreams } = await startWithRaw(t, (socket) => {
    socket.once('data', () => socket.write(SWITCH));
    socket
      .on('close', () => {
        appClosed = true;
      })
      .on('end', () => socket.end());
  });
  const client = new RawClient(port).write(ASK);
  await client.until(/101/);
  upstreams.closing.abort();
  await client.end();
  await eventually(() => appClosed && upstreams.open === 0, 'the app to see the end');
  t.regex(await new RawClient(port).write(ASK.replace('a.app', 'a.nope')).end(), /^HTTP\/1\.1 404 /);
});
