import test from 'ava';
import { systemClock } from '../../../src/base/clock.js';
import { TenementError } from '../../../src/base/errors.js';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { collected, PlayedUpstreams, runPlane } from '../../helpers/plane-fixture.js';
import { startApp } from '../../helpers/proxy-fixture.js';
import { eventually, exchange, RawClient } from '../../helpers/raw-http.js';
import { until } from '../../helpers/until.js';

const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
const keep = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const post = (host: string) =>
  `POST / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi`;

test('a busy instance is asked for once, and given back with the time of its last request', async (t) => {
  const app = await startApp(t, (_request, response) => response.end('hello'));
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port } = await runPlane(t, upstreams);
  const began = systemClock.monotonic();
  let lastBegan = 0;
  for (let i = 0; i < 20; i += 1) {
    lastBegan = systemClock.monotonic();
    t.regex(await exchange(port, get('a.app.test')), /hello$/);
  }
  const before = systemClock.monotonic();
  await until('the grant comes back', () => upstreams.open === 0);
  // On a busy machine there are pauses between the requests, in which it is not busy.
  const pauses = Math.floor((before - began) / 200);
  t.true(upstreams.asked <= 2 + pauses, `asked ${upstreams.asked} times for 20 requests`);
  const last = upstreams.leases.at(-1);
  t.true(last?.endedAt !== undefined && last.endedAt <= before && last.endedAt >= lastBegan);
  t.true(systemClock.monotonic() - (last?.endedAt ?? 0) >= 200, 'it was kept a while');
});

test('requests that wait together share what they get', async (t) => {
  const app = await startApp(t, (_request, response) => response.end('hello'));
  let open: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    open = resolve;
  });
  const upstreams = new PlayedUpstreams(() => ready.then(() => addressOf(app)));
  const { port } = await runPlane(t, upstreams);
  const answers = Array.from({ length: 20 }, () => exchange(port, get('a.app.test')));
  await until('all have asked', () => upstreams.asked === 20);
  open();
  for (const answer of await Promise.all(answers)) t.regex(answer, /hello$/);
  await until('all come back', () => upstreams.open === 0);
  t.is(upstreams.leases.length, 20);
});

test('a revoked grant takes no new request, and lets the open one end', async (t) => {
  const waiting: (() => void)[] = [];
  const app = await startApp(t, (request, response) => {
    if (request.url === '/slow') waiting.push(() => response.end('slow done'));
    else response.end('hello');
  });
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port, plane } = await runPlane(t, upstreams);
  const slow = new RawClient(port).write('GET /slow HTTP/1.1\r\nHost: a.app.test\r\n\r\n');
  await until('it is with the app', () => waiting.length === 1);
  upstreams.leases[0]?.retiring.abort();
  // Messages keep their order: after this the worker has seen it.
  await collected(plane);
  t.regex(await exchange(port, get('a.app.test')), /hello$/);
  t.is(upstreams.asked, 2);
  t.false(upstreams.leases[0]?.released ?? true);
  waiting[0]?.();
  await slow.until(/slow done$/);
  await until('the revoked one comes back', () => upstreams.leases[0]?.released === true);
  slow.socket.destroy();
});

test('an idle grant that is revoked comes back at once', async (t) => {
  const app = await startApp(t, (_request, response) => response.end('hello'));
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port, plane } = await runPlane(t, upstreams);
  t.regex(await exchange(port, get('a.app.test')), /hello$/);
  upstreams.leases[0]?.retiring.abort();
  await collected(plane);
  t.true(upstreams.leases[0]?.released);
});

test('an abort ends what is open, with its reason', async (t) => {
  const app = await startApp(t, () => {});
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port } = await runPlane(t, upstreams);
  const client = new RawClient(port).write(keep('a.app.test'));
  await until('it has a lease', () => upstreams.open === 1);
  upstreams.leases[0]?.abort(new TenementError('shutting_down', undefined, { retryAfterSecs: 7 }));
  const answer = await client.until(/request: /);
  t.regex(answer, /^HTTP\/1.1 503 /);
  t.regex(answer, /tenement-error: shutting_down/);
  t.regex(answer, /Retry-After: 7/);
  await until('the lease comes back', () => upstreams.open === 0);
  client.socket.destroy();
});

test('a client that leaves is dropped from the wait', async (t) => {
  const upstreams = new PlayedUpstreams(
    (_target, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new TenementError('stopped')));
      }),
  );
  const { port, plane } = await runPlane(t, upstreams);
  const client = new RawClient(port).write(keep('a.app.test'));
  await until('it waits', () => upstreams.asked === 1);
  client.socket.destroy();
  await until('the wait is withdrawn', () => upstreams.abandoned === 1);
  await collected(plane);
  t.is(upstreams.open, 0);
});

test('a grant that comes for a client that has left goes back', async (t) => {
  const app = await startApp(t, (_request, response) => response.end('hello'));
  let open: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    open = resolve;
  });
  // Deaf to the signal, as if lease and abandon had crossed.
  const upstreams = new PlayedUpstreams(() => ready.then(() => addressOf(app)));
  const { port } = await runPlane(t, upstreams);
  const client = new RawClient(port).write(keep('a.app.test'));
  await until('it waits', () => upstreams.asked === 1);
  client.socket.destroy();
  await until('the wait is withdrawn', () => upstreams.abandoned === 1);
  open();
  await until('a lease was given', () => upstreams.leases.length === 1);
  await until('and came back', () => upstreams.open === 0);
  t.pass();
});

test('a broken connection is told, and the next request waits for the verdict', async (t) => {
  const app = await startApp(t, (_request, response) => response.end('hello'));
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const dead = await startApp(t, (request) => request.socket.destroy());
  let asked = 0;
  upstreams.address = () => {
    asked += 1;
    return addressOf(asked === 1 ? dead : app);
  };
  const { port } = await runPlane(t, upstreams);
  t.regex(await exchange(port, get('a.app.test')), /hello$/);
  t.is(upstreams.leases[0]?.doubted, 1);
  t.is(upstreams.asked, 2);
  await until('all come back', () => upstreams.open === 0);
});

test('each body for a service with a quota is asked for', async (t) => {
  const app = await startApp(t, (request, response) => {
    request.resume();
    if (request.url === '/slow') response.write('begun');
    else response.end('hello');
  });
  const upstreams = new PlayedUpstreams((_target, { hasBody }) => {
    if (hasBody && upstreams.asked > 3) throw new TenementError('quota_exceeded');
    return addressOf(app);
  });
  const { port } = await runPlane(t, upstreams);
  // It keeps the grant in use from the first request to the last.
  const hold = new RawClient(port).write('GET /slow HTTP/1.1\r\nHost: a.small.test\r\n\r\n');
  await hold.until(/begun/);
  t.regex(await exchange(port, post('a.small.test')), /hello$/);
  t.regex(await exchange(port, post('a.small.test')), /hello$/);
  t.is(upstreams.asked, 3);
  t.regex(await exchange(port, post('a.small.test')), /^HTTP\/1.1 507 /);
  t.regex(await exchange(port, get('a.small.test')), /hello$/);
  t.is(upstreams.asked, 4);
  hold.socket.destroy();
});

test('a service that spreads is asked for each choice, one with a single instance is not', async (t) => {
  const app = await startApp(t, (request, response) => {
    if (request.url === '/slow') response.write('begun');
    else response.end('hello');
  });
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port } = await runPlane(t, upstreams);
  for (let i = 0; i < 3; i += 1) t.regex(await exchange(port, get('spread.test')), /hello$/);
  t.is(upstreams.asked, 3);
  // It keeps the grant in use, or one would be asked for again after a pause.
  const hold = new RawClient(port).write('GET /slow HTTP/1.1\r\nHost: a.app.test\r\n\r\n');
  await hold.until(/begun/);
  t.is(upstreams.asked, 4);
  const began = systemClock.monotonic();
  for (let i = 0; i < 3; i += 1) t.regex(await exchange(port, get('a.app.test')), /hello$/);
  t.is(upstreams.asked, 4);
  for (let i = 0; i < 3; i += 1) t.regex(await exchange(port, get('test')), /hello$/);
  // That there is a single one is believed for a second.
  t.true(upstreams.asked <= 5 + Math.floor((systemClock.monotonic() - began) / 200), `${upstreams.asked}`);
  hold.socket.destroy();
  await until('all come back', () => upstreams.open === 0);
});

test('10,000 names that nobody has leave nothing', async (t) => {
  const upstreams = new PlayedUpstreams(() => {
    throw new TenementError('unknown_host');
  });
  const { port, plane, reports } = await runPlane(t, upstreams);
  for (let batch = 0; batch < 100; batch += 1) {
    // A connection each: to look through all that came so far, again and again, takes most of the time otherwise.
    const client = new RawClient(port);
    let text = '';
    for (let i = 0; i < 100; i += 1) text += `HEAD / HTTP/1.1\r\nHost: x${batch}-${i}.app.test\r\n\r\n`;
    client.write(text);
    await eventually(() => client.text.split('HTTP/1.1 404').length - 1 === 100, 'the answers');
    client.socket.destroy();
  }
  await collected(plane);
  t.is(upstreams.asked, 10_000);
  t.is(upstreams.open, 0);
  const rows = reports.flatMap(({ requests }) => requests);
  t.deepEqual([...new Set(rows.map(({ instance }) => instance))], [undefined]);
  t.is(
    rows.reduce((sum, { classes }) => sum + (classes[4] ?? 0), 0),
    10_000,
  );
});
