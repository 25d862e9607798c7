import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { startApp, startProxy, startWith, startWithRaw } from '../../helpers/proxy-fixture.js';
import { eventually, exchange, RawClient } from '../../helpers/raw-http.js';

const HOST = 'Host: a.app.test\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;

test('a client that leaves during the wake is dropped from the wait', async (t) => {
  const { port, upstreams, ends } = await startProxy(t);
  let aborted = false;
  upstreams.address = (_target, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted = true;
        reject(signal.reason);
      });
    });
  const client = new RawClient(port).write(GET);
  await eventually(() => upstreams.acquired === 1, 'the wait');
  client.socket.destroy();
  await eventually(() => aborted && ends.length === 1, 'the wait to be given up');
  t.like(ends[0], { status: 499, instance: undefined });
});

test('so is one that waits for an upgrade', async (t) => {
  const { port, upstreams } = await startProxy(t);
  let aborted = false;
  upstreams.address = (_target, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted = true;
        reject(signal.reason);
      });
    });
  const client = new RawClient(port);
  client.write(`GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  await eventually(() => upstreams.acquired === 1, 'the wait');
  client.socket.destroy();
  await eventually(() => aborted, 'the wait to be given up');
  t.pass();
});

for (const version of ['1.1', '1.0']) {
  test(`of 50 HTTP/${version} clients in a wake 49 close their sockets: the app sees the one that stays`, async (t) => {
    const seen: (string | undefined)[] = [];
    const app = await startApp(t, (req, res) => {
      seen.push(req.url);
      res.end('ok');
    });
    const { port, upstreams, ends } = await startProxy(t);
    let awake = () => {};
    const wake = new Promise<void>((done) => {
      awake = done;
    });
    upstreams.address = async () => {
      await wake;
      return addressOf(app);
    };
    const ask = (path: string) =>
      new RawClient(port).write(`GET ${path} HTTP/${version}\r\n${HOST}Connection: close\r\n\r\n`);
    const leaving = Array.from({ length: 49 }, (_, i) => ask(`/left/${i}`));
    const stays = ask('/stays');
    await eventually(() => upstreams.acquired === 50, 'the waits');
    for (const client of leaving) client.socket.destroy();
    await eventually(() => ends.length === 49, 'those that left to be dropped');
    awake();
    t.regex(await stays.end(), /^HTTP\/1\.1 200 [\s\S]*ok$/);
    t.deepEqual(seen, ['/stays']);
  });
}

test('a client that ends only its sending side during the wake gets its answer', async (t) => {
  const app = await startApp(t, (_req, res) => res.end('ok'));
  const { port, upstreams } = await startProxy(t);
  let awake = () => {};
  const wake = new Promise<void>((done) => {
    awake = done;
  });
  upstreams.address = async () => {
    await wake;
    return addressOf(app);
  };
  const client = new RawClient(port).write(GET);
  client.socket.end();
  await client.until(/^(?:HTTP\/1\.1 100 Continue\r\n\r\n){2}/);
  awake();
  t.regex(await client.end(), /Continue\r\n\r\nHTTP\/1\.1 200 [\s\S]*ok$/);
});

test('a client that leaves during the answer ends the request to the app', async (t) => {
  let appSawEnd = false;
  const { port, upstreams } = await startWith(t, (_req, res) => {
    res.write('x');
    res.on('close', () => {
      appSawEnd = true;
    });
  });
  const client = new RawClient(port).write(GET);
  await client.until(/x/);
  client.socket.destroy();
  await eventually(() => appSawEnd && upstreams.open === 0, 'the app to see the end');
  t.is(upstreams.suspected, 0);
});

test('errors of acquire become their answer', async (t) => {
  const { port, upstreams } = await startProxy(t);
  upstreams.address = () => {
    throw new TenementError('backoff', 'notes:a died at /srv/secret', { retryAfterSecs: 7 });
  };
  const answer = await exchange(port, GET);
  t.regex(answer, /^HTTP\/1\.1 503 /);
  t.regex(answer, /tenement-error: backoff\r\n/);
  t.regex(answer, /Retry-After: 7\r\n/);
  t.notRegex(answer, /secret/);
});

test('a bug inside is a 500 that says nothing', async (t) => {
  const { port, upstreams } = await startProxy(t);
  upstreams.address = () => {
    throw new TypeError('secret is undefined');
  };
  const answer = await exchange(port, GET);
  t.regex(answer, /^HTTP\/1\.1 500 [\s\S]*tenement-error: internal/);
  t.notRegex(answer, /secret/);
});

test('no head within request_timeout: 504, and it is not sent again', async (t) => {
  const { port, upstreams } = await startWithRaw(t, () => {});
  upstreams.policyValue = { requestTimeoutMs: 50, maxBodyBytes: undefined };
  t.regex(await exchange(port, GET), /^HTTP\/1\.1 504 [\s\S]*tenement-error: response_timeout/);
  t.is(upstreams.acquired, 1);
  await eventually(() => upstreams.open === 0, 'the lease to be released');
});

test('request_timeout counts from the last byte: a slow upload may last longer', async (t) => {
  const { port, upstreams } = await startWith(t, (req, res) => {
    req.resume().on('end', () => res.end('done'));
  });
  // Longer than a busy machine takes for the answer, and shorter than the upload.
  upstreams.policyValue = { requestTimeoutMs: 5_000, maxBodyBytes: undefined };
  const client = new RawClient(port);
  client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\n`);
  for (const byte of 'abcd') {
    await new Promise((done) => setTimeout(done, 1_500));
    client.write(byte);
  }
  t.regex(await client.until(/done$/), /^HTTP\/1\.1 200 OK/);
  client.socket.destroy();
});

test('an app that stops reading runs into request_timeout', async (t) => {
  const { port, upstreams } = await startWithRaw(t, (socket) => socket.pause());
  upstreams.policyValue = { requestTimeoutMs: 200, maxBodyBytes: undefined };
  const client = new RawClient(port);
  client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 50000000\r\n\r\n`).write(Buffer.alloc(20_000_000));
  t.regex(await client.until(/response_timeout/), /^HTTP\/1\.1 504 /);
  client.socket.destroy();
});

test('a lease that must end: 503 before the head, a broken connection after it', async (t) => {
  const { port, upstreams } = await startWith(t, (req, res) => {
    if (req.url === '/begun') res.write('begun');
  });
  const waiting = new RawClient(port).write(GET);
  const begun = new RawClient(port).write(`GET /begun HTTP/1.1\r\n${HOST}\r\n`);
  await begun.until(/begun/);
  await eventually(() => upstreams.open === 2, 'both leases');
  upstreams.closing.abort(new TenementError('shutting_down'));
  t.regex(await waiting.end(), /^HTTP\/1\.1 503 [\s\S]*tenement-error: shutting_down[\s\S]*Retry-After/);
  t.notRegex(await begun.end(), /0\r\n\r\n$/);
  await eventually(() => upstreams.open === 0, 'the leases to be released');
});
