import test from 'ava';
import { startWith } from '../../helpers/proxy-fixture.js';
import { eventually, RawClient } from '../../helpers/raw-http.js';

const HOST = 'Host: a.app.test\r\n';
const policy = { requestTimeoutMs: 20_000, maxBodyBytes: 10 };

test('an announced length above max_body is 413 and wakes nothing', async (t) => {
  const { port, upstreams } = await startWith(t, (_req, res) => res.end());
  upstreams.policyValue = policy;
  const client = new RawClient(port).write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 11\r\n\r\n`);
  t.regex(await client.end(), /^HTTP\/1\.1 413 [\s\S]*tenement-error: body_too_large/);
  t.is(upstreams.acquired, 0);
});

test('so is what Expect asks for', async (t) => {
  const { port, upstreams } = await startWith(t, (_req, res) => res.end());
  upstreams.policyValue = policy;
  const client = new RawClient(port);
  client.write(`POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 11\r\n\r\n`);
  t.regex(await client.until(/413/), /^HTTP\/1\.1 413 /);
  client.socket.destroy();
  t.is(upstreams.acquired, 0);
});

// Attack: chunks announce no length, so the limit has to be counted while they pass.
test('a chunked body is cut off at max_body, also when nobody stops sending', async (t) => {
  let seen = 0;
  const { port, upstreams } = await startWith(t, (req) => {
    req
      .on('error', () => {})
      .on('data', (chunk) => {
        seen += chunk.length;
      });
  });
  upstreams.policyValue = policy;
  const client = new RawClient(port);
  client.write(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n`);
  await eventually(() => seen === 8, 'the part that is allowed');
  for (let i = 0; i < 100; i += 1) client.write(`400\r\n${'x'.repeat(1024)}\r\n`);
  t.regex(await client.until(/body_too_large\n/), /^HTTP\/1\.1 413 /);
  client.socket.destroy();
  t.is(seen, 8);
  await eventually(() => upstreams.open === 0, 'the lease to be released');
});

test('after the head has gone out the connection is broken', async (t) => {
  const { port, upstreams } = await startWith(t, (req, res) => {
    req.on('error', () => {}).resume();
    res.write('begun');
  });
  upstreams.policyValue = policy;
  const client = new RawClient(port);
  client.write(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`);
  await client.until(/begun/);
  client.write(`14\r\n${'x'.repeat(20)}\r\n`);
  t.notRegex(await client.end(), /0\r\n\r\n$/);
  await eventually(() => upstreams.open === 0, 'the lease to be released');
});
