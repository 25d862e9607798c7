import test from 'ava';
import { startWith } from '../../helpers/proxy-fixture.js';
import { eventually, exchange, RawClient } from '../../helpers/raw-http.js';

const HEAD = 'Host: a.app.test\r\nConnection: close\r\n';

test('a GET reaches the app and its answer the client', async (t) => {
  const { port, upstreams, ends } = await startWith(t, (req, res) => {
    res.setHeader('X-App', 'yes');
    res.end(`${req.method} ${req.url} ${req.headers.host}`);
  });
  const answer = await exchange(port, `GET /x?y=1 HTTP/1.1\r\n${HEAD}\r\n`);
  t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/);
  t.regex(answer, /\r\nX-App: yes\r\n/);
  t.regex(answer, /GET \/x\?y=1 a\.app\.test$/);
  await eventually(() => upstreams.open === 0 && ends.length === 1, 'the lease to be released');
  t.like(ends[0], { instance: 'app:a', service: 'app', method: 'GET', status: 200, bytesOut: 21 });
});

test('a POST with a length, and a chunked one, arrive whole', async (t) => {
  const { port } = await startWith(t, async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part);
    res.end(`${req.headers['content-length'] ?? req.headers['transfer-encoding']} ${Buffer.concat(parts)}`);
  });
  t.regex(await exchange(port, `POST / HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\nhello`), /5 hello$/);
  const chunked = `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`;
  t.regex(await exchange(port, chunked), /chunked hello/);
  t.regex(await exchange(port, `POST / HTTP/1.1\r\n${HEAD}\r\n`), /0 $/);
});

test('a kept connection serves one request after the other, pipelined ones in order', async (t) => {
  const { port } = await startWith(t, (req, res) => {
    setTimeout(() => res.end(`<${req.url}>`), req.url === '/1' ? 30 : 0);
  });
  const client = new RawClient(port);
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.app.test\r\n\r\n`;
  client.write(get('/1') + get('/2'));
  await client.until(/<\/1>[\s\S]*<\/2>/);
  client.write(get('/3'));
  await client.until(/<\/3>/);
  client.socket.destroy();
  t.pass();
});

test('HEAD, 204 and 304 have no body and keep their header fields', async (t) => {
  const { port } = await startWith(t, (req, res) => {
    if (req.url === '/304') res.writeHead(304, { 'Content-Length': 1234, ETag: '"x"' });
    else if (req.url === '/204') res.writeHead(204, { 'X-A': 'b' });
    else res.writeHead(200, { 'Content-Length': 77 });
    res.end();
  });
  const client = new RawClient(port);
  client.write('HEAD / HTTP/1.1\r\nHost: a.app.test\r\n\r\n');
  t.regex(await client.until(/\r\n\r\n$/), /Content-Length: 77\r\n/);
  client.write('GET /304 HTTP/1.1\r\nHost: a.app.test\r\n\r\n');
  t.regex(await client.until(/304[\s\S]*\r\n\r\n$/), /304 Not Modified\r\nContent-Length: 1234\r\nETag: "x"/);
  client.write('GET /204 HTTP/1.1\r\nHost: a.app.test\r\nConnection: close\r\n\r\n');
  t.regex(await client.end(), /204 No Content\r\nX-A: b\r\n[\s\S]*\r\n\r\n$/);
});
