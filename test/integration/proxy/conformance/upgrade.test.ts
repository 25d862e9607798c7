import test from 'ava';
import { statusOf, valuesOf } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';
import type { Script } from '../../../helpers/scripted-upstream.js';

// Switching protocols: agreed on, refused, with bytes of either side right behind the head.

const bench = proxyBench(test);
const ask = (path = '/ws') =>
  `GET ${path} HTTP/1.1\r\n${HOST}Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n`;
const AGREED =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n\r\n';

const agree =
  (early: string, then: Script): Script =>
  async (request) => {
    request.switched = true;
    request.send(AGREED + early);
    await then(request);
  };

test.serial('agreed: both sides speak, and end by themselves', async (t) => {
  bench.upstream.begin(
    agree('', async (request) => {
      await request.until(/ping/);
      request.send('pong');
      await request.gone();
      request.socket.end('last words');
    }),
  );
  const client = bench.connect().send(ask());
  const { final } = await client.response();
  t.is(final.start, 'HTTP/1.1 101 Switching Protocols');
  t.deepEqual(valuesOf(final, 'upgrade'), ['websocket']);
  t.deepEqual(valuesOf(final, 'sec-websocket-accept'), ['HSmrc0sMlYUkAGmm5OPpG2HaGWk=']);
  const [request] = bench.upstream.seen;
  t.deepEqual(valuesOf(request?.head ?? { fields: [] }, 'upgrade'), ['websocket']);
  t.regex(valuesOf(request?.head ?? { fields: [] }, 'connection').join(), /upgrade/i);
  t.deepEqual(valuesOf(request?.head ?? { fields: [] }, 'sec-websocket-version'), ['13']);
  client.send('ping');
  await client.until(/^pong$/);
  client.socket.end();
  t.is(await client.end(), 'ponglast words');
  await bench.settle(t);
});

test.serial('the app speaks first, in the packet of its 101', async (t) => {
  bench.upstream.begin(
    agree('\x81\x05hello\x00\xff', async (request) => {
      await request.gone();
      request.socket.end();
    }),
  );
  const client = bench.connect().send(ask());
  t.is(statusOf((await client.response()).final), 101);
  await client.until(/^\x81\x05hello\x00\xff$/);
  client.socket.end();
  t.is(await client.end(), '\x81\x05hello\x00\xff');
  await bench.settle(t);
});

test.serial('the client speaks first, in the packet of its request', async (t) => {
  bench.upstream.begin(async (request) => {
    t.is(request.bytes.length, request.head.length, 'nothing reaches the app before it has agreed');
    await agree('', async () => {
      await request.until(/^early later$/);
      request.socket.end('got it');
    })(request);
  });
  const client = bench.connect().send(`${ask()}early `);
  t.is(statusOf((await client.response()).final), 101);
  client.send('later');
  t.is(await client.end(), 'got it');
  await bench.settle(t);
});

test.serial('request and 101 byte by byte', async (t) => {
  bench.upstream.begin(async (request) => {
    request.switched = true;
    for (const char of `${AGREED}hello`) {
      request.send(char);
      await new Promise((done) => setImmediate(done));
    }
    await request.until(/^world$/);
    request.socket.end();
  });
  const client = bench.connect();
  await client.sendCut(
    ask(),
    Array.from(ask(), (_char, at) => at),
  );
  t.is(statusOf((await client.response()).final), 101);
  await client.until(/^hello$/);
  client.send('world');
  t.is(await client.end(), 'hello');
  await bench.settle(t);
});

for (const [name, answer, body] of [
  ['403 with a body', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nforbidden', 'forbidden'],
  [
    '400 in chunks',
    'HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n',
    'bad',
  ],
  ['200 as if nothing was asked', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  ['302', 'HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n', ''],
  ['401 until the end', 'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\nwho', 'who'],
] as const) {
  test.serial(`refused by ${name}: the answer is whole`, async (t) => {
    bench.upstream.begin(async (request) => {
      await request.answer(answer);
      if (answer.includes('close')) request.socket.end();
    });
    const client = bench.connect().send(ask());
    const { final } = await client.response();
    t.is(final.start, answer.slice(0, answer.indexOf('\r\n')));
    t.is(final.body, body);
    client.send(`GET /probe/after HTTP/1.1\r\n${HOST}\r\n`);
    const after = await client.response().then(
      (response) => response.final.body,
      () => 'ended',
    );
    t.true(['after', 'ended'].includes(after));
    await bench.settle(t);
  });
}

test.serial('a request behind an upgrade that is refused is not lost in the tunnel', async (t) => {
  bench.upstream.begin((request) => request.answer('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno'));
  const client = bench.connect().send(`${ask()}GET /probe/after HTTP/1.1\r\n${HOST}\r\n`);
  t.is((await client.response()).final.body, 'no');
  const after = await client.response().then(
    (response) => response.final.body,
    () => 'ended',
  );
  t.true(['after', 'ended'].includes(after));
  await bench.settle(t);
});

test.serial('an upgrade behind another request', async (t) => {
  bench.upstream.begin(
    agree('hello', async (request) => {
      await request.until(/^bye$/);
      request.socket.end();
    }),
  );
  const client = bench.connect().send(`GET /probe/first HTTP/1.1\r\n${HOST}\r\n${ask()}`);
  t.is((await client.response()).final.body, 'first');
  t.is(statusOf((await client.response()).final), 101);
  client.send('bye');
  t.is(await client.end(), 'hello');
  await bench.settle(t);
});

for (const who of ['client', 'app'] as const) {
  test.serial(
    `the ${who} breaks the tunnel: the other side sees it, and the lease is given back`,
    async (t) => {
      bench.upstream.begin(
        agree('', async (request) => {
          await request.until(/^go/);
          if (who === 'app') request.socket.resetAndDestroy();
          else await request.gone();
        }),
      );
      const client = bench.connect().send(ask());
      t.is(statusOf((await client.response()).final), 101);
      client.send('go');
      if (who === 'client') {
        await bench.upstream.seen[0]?.until(/^go/);
        client.socket.resetAndDestroy();
        await bench.upstream.seen[0]?.gone();
      } else await client.end();
      await bench.settle(t);
    },
  );
}

test.serial('a client that leaves before the app has agreed', async (t) => {
  bench.upstream.begin((request) => request.gone());
  const client = bench.connect().send(ask());
  const request = await bench.upstream.request();
  client.socket.resetAndDestroy();
  await request.gone();
  await bench.settle(t);
  t.pass();
});

test.serial('a megabyte each way through a tunnel', async (t) => {
  const size = 1024 * 1024;
  bench.upstream.begin(
    agree('', async (request) => {
      await request.until(/end$/);
      request.socket.end(request.bytes.slice(request.head.length), 'latin1');
    }),
  );
  const client = bench.connect().send(ask());
  await client.response();
  client.send(`${'x'.repeat(size)}end`);
  t.is((await client.end()).length, size + 3);
  await bench.settle(t);
});
