import { once } from 'node:events';
import { existsSync, linkSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { PlayedUpstreams, runPlane } from '../../helpers/plane-fixture.js';
import { startApp } from '../../helpers/proxy-fixture.js';
import { exchange } from '../../helpers/raw-http.js';

/** An app that says what it was told about its visitor. */
async function told(t: ExecutionContext): Promise<PlayedUpstreams> {
  const app = await startApp(t, (request, response) => {
    const { headers } = request;
    response.end(`for=${headers['x-forwarded-for']} proto=${headers['x-forwarded-proto']}`);
  });
  return new PlayedUpstreams(() => addressOf(app));
}

const request = (lines = '') => `GET / HTTP/1.1\r\nHost: a.app.test\r\n${lines}Connection: close\r\n\r\n`;

/** Sends bytes over a Unix socket and returns the answer. */
function exchangeOver(path: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(path, () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      received += text;
    });
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
}

test('a Unix socket, mode 0660, whose peer is believed', async (t) => {
  const path = join(freshDir(t), 'front.sock');
  const { plane } = await runPlane(t, await told(t), { listen: [{ kind: 'unix', path }] });
  t.is(statSync(path).mode & 0o777, 0o660);
  const answer = await exchangeOver(
    path,
    request('X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n'),
  );
  t.regex(answer, /for=192\.0\.2\.7 proto=https/);
  await plane.close({ graceMs: 0 });
  t.false(existsSync(path));
});

test('nobody on loopback TCP is believed unasked', async (t) => {
  const { port } = await runPlane(t, await told(t));
  t.regex(await exchange(port, request('X-Forwarded-For: 192.0.2.7\r\n')), /for=127\.0\.0\.1 proto=http/);
});

test('a socket file that a dead server has left is replaced, other files are not', async (t) => {
  const directory = freshDir(t);
  const stale = join(directory, 'stale.sock');
  // A listener of a process that ended without tidying up: here it is unlinked from its server by a rename.
  const dead = createTcpServer().listen(join(directory, 'dead.sock'));
  await once(dead, 'listening');

  linkSync(join(directory, 'dead.sock'), stale);
  await new Promise<void>((done) => dead.close(() => done()));
  t.true(existsSync(stale));
  await runPlane(t, await told(t), { listen: [{ kind: 'unix', path: stale }] });
  t.regex(await exchangeOver(stale, request()), /for=/);

  const file = join(directory, 'file');
  writeFileSync(file, 'precious');
  await t.throwsAsync(runPlane(t, await told(t), { listen: [{ kind: 'unix', path: file }] }), {
    message: /EADDRINUSE/,
  });
  t.true(existsSync(file));
});

test('a Unix socket on which somebody listens is not taken away', async (t) => {
  const path = join(freshDir(t), 'other.sock');
  const other = createServer((_request, response) => response.end('other')).listen(path);
  await once(other, 'listening');
  t.teardown(() => other.close());
  await t.throwsAsync(runPlane(t, await told(t), { listen: [{ kind: 'unix', path }] }), {
    message: /EADDRINUSE/,
  });
  t.regex(await exchangeOver(path, request()), /other/);
});

test('several addresses at once, IPv6 too', async (t) => {
  const path = join(freshDir(t), 'front.sock');
  const { plane, port } = await runPlane(t, await told(t), {
    listen: [
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      { kind: 'tcp', host: '[::1]', port: 0 },
      { kind: 'unix', path },
    ],
  });
  const [, six] = plane.addresses;
  t.regex(await exchange(port, request()), /for=127\.0\.0\.1/);
  t.regex(await exchangeSix(six?.kind === 'tcp' ? six.port : 0), /for=::1/);
  t.regex(await exchangeOver(path, request()), / 200 /);
});

async function exchangeSix(port: number): Promise<string> {
  const socket = connect({ port, host: '::1' });
  socket.write(request());
  let received = '';
  for await (const chunk of socket) received += String(chunk);
  return received;
}

const trusting = { trustedProxies: ['127.0.0.1'], proxyProtocol: true };

test('PROXY protocol: the named client is the client', async (t) => {
  const { port } = await runPlane(t, await told(t), { config: trusting });
  const header = 'PROXY TCP4 192.0.2.9 198.51.100.1 50000 80\r\n';
  t.regex(await exchange(port, header + request()), /for=192\.0\.2\.9 /);
  // The client behind it is nobody we trust.
  t.regex(await exchange(port, header + request('X-Forwarded-For: 1.2.3.4\r\n')), /for=192\.0\.2\.9 /);
  const binary = Buffer.from('0d0a0d0a000d0a515549540a21110000', 'hex');
  binary.writeUInt16BE(12, 14);
  const block = Buffer.from('c000020ac6336401c3500050', 'hex');
  const bytes = Buffer.concat([binary, block, Buffer.from(request())]);
  t.regex(await exchange(port, bytes), /for=192\.0\.2\.10 /);
});

test('PROXY protocol: the proxy itself, by LOCAL', async (t) => {
  const { port } = await runPlane(t, await told(t), { config: trusting });
  const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
  t.regex(await exchange(port, Buffer.concat([local, Buffer.from(request())])), /for=127\.0\.0\.1 /);
});

// Attack: a visitor reaches the port for the proxy, or comes directly, and names himself.
test('PROXY protocol: from who is not trusted it is no HTTP; from who is, it must not be missing', async (t) => {
  const upstreams = await told(t);
  const header = 'PROXY TCP4 192.0.2.9 198.51.100.1 50000 80\r\n';
  const untrusted = await runPlane(t, upstreams, { config: { ...trusting, trustedProxies: ['192.0.2.1'] } });
  t.regex(await exchange(untrusted.port, header + request()), /^HTTP\/1\.1 400 /);
  t.regex(await exchange(untrusted.port, request()), /for=127\.0\.0\.1 /);
  const off = await runPlane(t, upstreams, { config: { ...trusting, proxyProtocol: false } });
  t.regex(await exchange(off.port, header + request()), /^HTTP\/1\.1 400 /);
  const on = await runPlane(t, upstreams, { config: trusting });
  t.is(await exchange(on.port, request()), '');
  t.is(upstreams.asked, 1);
});

test('PROXY protocol: a header in pieces', async (t) => {
  const { port } = await runPlane(t, await told(t), { config: trusting });
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let received = '';
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  const ended = once(socket, 'end');
  for (const byte of `PROXY TCP4 192.0.2.9 198.51.100.1 50000 80\r\n${request()}`) {
    socket.write(byte);
    await new Promise((done) => setImmediate(done));
  }
  await ended;
  t.regex(received, /for=192\.0\.2\.9 /);
});

test('PROXY protocol: a header that never comes', async (t) => {
  const limits = { headTimeoutMs: 300, maxHeadBytes: 65_536, keepAliveTimeoutMs: 75_000, fastReads: true };
  const { port } = await runPlane(t, await told(t), { config: { ...trusting, limits } });
  t.is(await exchange(port, 'PROXY TCP4 '), '');
});
