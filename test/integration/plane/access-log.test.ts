import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { PlayedUpstreams, runPlane } from '../../helpers/plane-fixture.js';
import { startApp } from '../../helpers/proxy-fixture.js';
import { exchange } from '../../helpers/raw-http.js';
import { until } from '../../helpers/until.js';

const get = (path: string, lines = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a.app.test\r\n${lines}Connection: close\r\n\r\n`;

test('one line per request, without secrets, written out at the end', async (t) => {
  const path = join(freshDir(t), 'access.log');
  const app = await startApp(t, (_request, response) => response.end('hello'));
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port, plane } = await runPlane(t, upstreams, {
    config: { accessLog: { to: { path }, format: 'json' }, trustedProxies: ['127.0.0.1', '192.0.2.0/24'] },
  });
  const secret = 'Authorization: Bearer s3cret\r\nCookie: id=s3cret\r\nUser-Agent: probe/1\r\n';
  await exchange(port, get('/a?b=c', `${secret}X-Forwarded-For: 203.0.113.5, 192.0.2.4\r\n`));
  await exchange(port, get('/x', 'Host: two\r\n'));
  await exchange(port, 'no request at all\r\n\r\n');
  await plane.close({ graceMs: 0 });
  const text = readFileSync(path, 'utf8');
  t.false(text.includes('s3cret'));
  t.is(statSync(path).mode & 0o777, 0o640);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.like(lines[0], {
    level: 30,
    msg: 'request',
    client: '203.0.113.5',
    method: 'GET',
    host: 'a.app.test',
    target: '/a?b=c',
    httpVersion: '1.1',
    status: 200,
    bytesOut: 5,
    instance: 'app:a',
    userAgent: 'probe/1',
  });
  t.regex(lines[0].requestId, /./);
  t.like(lines[1], { status: 400, target: '/x' });
  t.like(
    lines[2],
    { client: '127.0.0.1', method: '-', target: '-', status: 400 },
    'nor is what was no request left out',
  );
  t.is(lines.length, 3);
});

test('after a rotation it goes on in a new file, and a reload may turn it off', async (t) => {
  const directory = freshDir(t);
  const path = join(directory, 'access.log');
  const app = await startApp(t, (_request, response) => response.end('hello'));
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const { port, plane, config } = await runPlane(t, upstreams, {
    config: { accessLog: { to: { path }, format: 'combined' } },
  });
  await exchange(port, get('/before'));
  await until('it is written', () => existsSync(path) && readFileSync(path, 'utf8').includes('/before'));
  renameSync(path, join(directory, 'access.log.1'));
  plane.reopenLogs();
  await until('the new file is there', () => existsSync(path));
  await exchange(port, get('/after'));
  await until('it is written', () => readFileSync(path, 'utf8').includes('/after'));
  t.regex(
    readFileSync(path, 'utf8'),
    /^127\.0\.0\.1 - - \[[^\]]+\] "GET \/after HTTP\/1\.1" 200 5 "-" "-"\n$/,
  );
  plane.update({ ...config, accessLog: undefined });
  await exchange(port, get('/off'));
  await plane.close({ graceMs: 0 });
  t.false(readFileSync(path, 'utf8').includes('/off'));
});

test('a log that cannot be written stops nothing', async (t) => {
  const app = await startApp(t, (_request, response) => response.end('hello'));
  const upstreams = new PlayedUpstreams(() => addressOf(app));
  const path = join(freshDir(t), 'missing', 'access.log');
  const { port, plane } = await runPlane(t, upstreams, {
    config: { accessLog: { to: { path }, format: 'json' } },
  });
  for (let i = 0; i < 5; i += 1) t.regex(await exchange(port, get('/')), /hello/);
  plane.reopenLogs();
  t.regex(await exchange(port, get('/')), /hello/);
  await plane.close({ graceMs: 0 });
});
