import test from 'ava';
import { statusOf } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// Attack (response queue poisoning): bytes that an app sends behind the end of an answer wait on the pooled connection, and become the
// answer to the next visitor's request.

const bench = proxyBench(test);
const INJECTED = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ninjected';

const surplus: [name: string, method: string, answer: string, status: number][] = [
  ['a second answer behind a length', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 200],
  ['behind a length of zero', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 200],
  ['behind chunks', 'GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 200],
  ['behind trailers', 'GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: 1\r\n\r\n', 200],
  ['behind 204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
  ['behind 204 with a length', 'DELETE', 'HTTP/1.1 204 No Content\r\nContent-Length: 45\r\n\r\n', 204],
  ['behind 304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', 304],
  ['behind 304 with a length', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 45\r\n\r\n', 304],
  ['behind HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n', 200],
  ['behind HEAD with a coding', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 200],
  ['behind HEAD without framing', 'HEAD', 'HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n', 200],
  [
    'behind a 103 and its answer',
    'GET',
    'HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    200,
  ],
];

for (const [name, method, answer, status] of surplus) {
  for (const together of [true, false]) {
    test.serial(`${name}, ${together ? 'in the same packet' : 'later'}`, async (t) => {
      bench.upstream.begin(async (request) => {
        await request.answer(together ? answer + INJECTED : answer);
        if (!together) setImmediate(() => request.send(INJECTED));
      });
      const client = bench.connect().send(`${method} /bad HTTP/1.1\r\n${HOST}\r\n`);
      t.is(statusOf((await client.response(method)).final), status);
      for (const word of ['one', 'two', 'three']) {
        client.send(`GET /probe/${word} HTTP/1.1\r\n${HOST}\r\n`);
        t.is((await client.response()).final.body, word);
      }
      t.is(client.buffer, '');
      t.is(bench.upstream.seen.length, 1);
      await bench.settle(t);
    });
  }
}

test.serial('an answer that came before anything was asked on the connection is nobody’s', async (t) => {
  const greet = (socket: import('node:net').Socket) => socket.write(INJECTED);
  bench.upstream.server.once('connection', greet);
  bench.upstream.begin((request) => request.answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  const client = bench.connect().send(`POST /bad HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`);
  await client.response();
  client.destroy();
  await bench.settle(t);
});
