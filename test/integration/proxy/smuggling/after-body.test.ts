import test from 'ava';
import { statusOf } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: bytes behind the end of a body belong to nobody; a program that skips or keeps them gives them to the next request.

const bench = proxyBench(test);
const CLOSE = 'Connection: close\r\n';
const LENGTH = `POST /first HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`;
const CHUNKED = `POST /first HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`;
const NONE = `GET /first HTTP/1.1\r\n${HOST}\r\n`;

for (const [kind, first] of Object.entries({ length: LENGTH, chunked: CHUNKED, none: NONE })) {
  for (const garbage of [
    'xxxx\r\n\r\n',
    '0\r\n\r\n',
    '\x00\x00\x00\x00',
    'hello\r\n\r\n',
    ' GET / HTTP/1.1\r\n\r\n',
  ]) {
    test.serial(`${JSON.stringify(garbage)} behind ${kind}: one answer, 400, close`, async (t) => {
      bench.upstream.begin((request) => request.answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
      const client = bench.connect().send(first);
      t.is((await client.response()).final.body, 'ok');
      client.send(`${garbage}GET /smuggled HTTP/1.1\r\n${HOST}\r\n`);
      t.is(statusOf((await client.response()).final), 400);
      t.is(await client.end(), '');
      t.is(bench.upstream.seen.length, 1);
      await bench.settle(t);
    });
  }
  test.serial(`nothing behind a last request is read as one (${kind})`, async (t) => {
    bench.upstream.begin((request) => request.answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const last = first.replace(HOST, HOST + CLOSE);
    const client = bench.connect().send(`${last}GET /smuggled HTTP/1.1\r\n${HOST}\r\n`);
    t.is((await client.response()).final.body, 'ok');
    t.is(await client.end(), '');
    t.is(bench.upstream.seen.length, 1);
    await bench.settle(t);
  });
  test.serial(`one empty line behind ${kind}, as old clients send it, is skipped`, async (t) => {
    bench.upstream.begin((request) => request.answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const client = bench.connect().send(`${first}\r\nGET /second HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
    t.is((await client.response()).final.body, 'ok');
    t.is((await client.response()).final.body, 'ok');
    t.is(await client.end(), '');
    t.deepEqual(
      bench.upstream.seen.map(({ head }) => head.start.split(' ')[1]),
      ['/first', '/second'],
    );
    await bench.settle(t);
  });
}
