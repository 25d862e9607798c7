import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { startProxy, startWith } from '../../helpers/proxy-fixture.js';
import { eventually, exchange, RawClient } from '../../helpers/raw-http.js';

const HOST = 'Host: a.app.test\r\n';

const malformed: [title: string, bytes: string, expected: RegExp][] = [
  [
    'two Hosts',
    `GET / HTTP/1.1\r\n${HOST}${HOST}Connection: close\r\n\r\n`,
    /^HTTP\/1\.1 400 [\s\S]*tenement-error: bad_request/,
  ],
  ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 [\s\S]*tenement-error: bad_request/],
  ['CONNECT', 'CONNECT a.app.test:443 HTTP/1.1\r\nHost: a.app.test:443\r\n\r\n', /^HTTP\/1\.1 400 /],
  [
    '64 KiB of header',
    `GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(70_000)}\r\n\r\n`,
    /^HTTP\/1\.1 431 [\s\S]*headers_too_large/,
  ],
  // Attack: request smuggling. The two programs in a row must never see two lengths.
  [
    'length and chunks',
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    'two lengths',
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    'a coding that is not ours',
    `POST / HTTP/1.1\r\n${HOST}Connection: close\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    'a space before the colon',
    `POST / HTTP/1.1\r\n${HOST}Content-Length : 5\r\n\r\nhello`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    'an unknown name',
    'GET / HTTP/1.1\r\nHost: a.nope.test\r\nConnection: close\r\n\r\n',
    /^HTTP\/1\.1 404 [\s\S]*unknown_host/,
  ],
  [
    'a service without balance',
    'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n',
    /^HTTP\/1\.1 404 [\s\S]*no_balance/,
  ],
];

for (const [title, bytes, expected] of malformed) {
  test(`${title}: an answer of ours, and no app is asked`, async (t) => {
    const { port, upstreams } = await startWith(t, (_req, res) => res.end());
    t.regex(await exchange(port, bytes), expected);
    t.is(upstreams.acquired, 0);
  });
}

test('chunks that go bad in the middle end the request to the app', async (t) => {
  let begun = false;
  let aborted = false;
  const { port, upstreams } = await startWith(t, (req) => {
    begun = true;
    req.on('error', () => {
      aborted = true;
    });
  });
  const client = new RawClient(port);
  client.write(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`);
  await eventually(() => begun, 'the request to reach the app');
  client.write('nonsense\r\n');
  t.regex(await client.end(), /^HTTP\/1\.1 400 /);
  await eventually(() => upstreams.open === 0 && aborted, 'the lease to be released');
});

test('what is ours is answered by ours', async (t) => {
  const { port } = await startProxy(t);
  t.regex(await exchange(port, 'GET /health HTTP/1.0\r\n\r\n'), /own GET \/health true$/);
  const proxied = 'GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: close\r\n\r\n';
  t.regex(await exchange(port, proxied), /own GET \/ false$/, 'a proxy on this machine makes nobody local');
});

test('10,000 unknown labels: 404 each, nothing is asked for, no name is counted', async (t) => {
  const { port, upstreams, ends } = await startProxy(t);
  const client = new RawClient(port);
  for (let batch = 0; batch < 100; batch += 1) {
    let requests = '';
    for (let i = 0; i < 100; i += 1) {
      requests += `HEAD / HTTP/1.1\r\nHost: x${batch * 100 + i}.nope${i}.test\r\n\r\n`;
    }
    client.write(requests);
    await eventually(() => ends.length === (batch + 1) * 100, `batch ${batch}`);
  }
  await client.until((text) => text.split('tenement-error: unknown_host').length === 10_001);
  client.socket.destroy();
  t.is(upstreams.acquired, 0);
  t.true(ends.every((end) => end.instance === undefined && end.service === undefined && end.status === 404));
});

test('close lets an open request end, refuses later ones, and cuts off at the deadline', async (t) => {
  let finish: () => void = () => {};
  const { port, proxy } = await startWith(t, (_req, res) => {
    res.write('begun ');
    finish = () => res.end('done');
  });
  const idle = new RawClient(port).write('HEAD / HTTP/1.1\r\nHost: a.nope.test\r\n\r\n');
  await idle.until(/404/);
  const open = new RawClient(port).write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  await open.until(/begun/);
  const closed = proxy.close({ graceMs: 60_000 });
  await eventually(() => idle.closed || idle.ended, 'the idle connection to end');
  idle.socket.destroy();
  finish();
  t.regex(await open.end(), /done\r\n0\r\n\r\n$/);
  await closed;
  const late = new RawClient(port);
  await eventually(() => late.error !== undefined, 'the refusal');
});

test('close does not wait longer than its grace', async (t) => {
  const { port, proxy } = await startWith(t, (_req, res) => res.write('for ever'));
  const open = new RawClient(port).write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  await open.until(/for ever/);
  await proxy.close({ graceMs: 20 });
  t.notRegex(await open.end(), /0\r\n\r\n$/);
});

test('an address in use is listen_failed, and nothing stays open', async (t) => {
  const { port, proxy } = await startProxy(t);
  const addresses = [
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.1', port },
  ];
  const error = await t.throwsAsync(proxy.listen(addresses), { instanceOf: TenementError });
  t.is(error?.code, 'listen_failed');
  t.is(error?.details.errno, 'EADDRINUSE');
});

test('a bug in what the proxy calls ends that request and not the server', async (t) => {
  const { port, upstreams } = await startProxy(t);
  upstreams.policy = () => {
    throw new Error('a bug');
  };
  const client = new RawClient(port).write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  t.is(await client.end(), '');
  t.regex(await exchange(port, 'GET / HTTP/1.1\r\nHost: a.nope.test\r\nConnection: close\r\n\r\n'), /404/);
});

test('an own handler that is not there is 502', async (t) => {
  const { port } = await startProxy(t, { handleOwn: (_request, response) => response.destroy() });
  t.regex(
    await exchange(port, 'GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 502 /,
  );
});
