import test from 'ava';
import { statusOf, valuesOf } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// 1xx answers and Expect: 100-continue.

const bench = proxyBench(test);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const expecting = (version = '1.1') =>
  `POST /x HTTP/${version}\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n`;

const interims: [name: string, bytes: string, passed: string[]][] = [
  ['102', 'HTTP/1.1 102 Processing\r\n\r\n', ['HTTP/1.1 102 Processing']],
  [
    '103 with links',
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.js>\r\n\r\n',
    ['HTTP/1.1 103 Early Hints', 'Link: </a.css>', 'Link: </b.js>'],
  ],
  ['199 without reason', 'HTTP/1.1 199 \r\nX-A: 1\r\n\r\n', ['HTTP/1.1 199 ', 'X-A: 1']],
];

for (const [name, bytes, passed] of interims) {
  for (const [way, cut] of [
    ['alone', true],
    ['in the packet of the answer', false],
  ] as const) {
    test.serial(`${name} passes, ${way}`, async (t) => {
      let goOn: () => void = () => {};
      const seen = new Promise<void>((done) => {
        goOn = done;
      });
      bench.upstream.begin(async (request) => {
        await request.whole();
        if (!cut) return request.send(bytes + bytes + OK);
        request.send(bytes);
        await seen;
        request.send(bytes + OK);
      });
      const client = bench.connect().send(`GET /x HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
      const first = await client.message();
      goOn();
      const shown = [first.start, ...first.fields.map(([field, value]) => `${field}: ${value}`)];
      t.deepEqual(shown, passed);
      t.is((await client.message()).start, passed[0] ?? '');
      t.is((await client.message()).body, 'ok');
      t.is(await client.end(), '');
      await bench.settle(t);
    });
  }
}

test.serial('an HTTP/1.0 client gets no 1xx', async (t) => {
  bench.upstream.begin((request) =>
    request.answer(`HTTP/1.1 103 X\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${OK}`),
  );
  const client = bench.connect().send(`GET /x HTTP/1.0\r\n${HOST}\r\n`);
  t.is((await client.message()).body, 'ok');
  t.is(await client.end(), '');
  await bench.settle(t);
});

test.serial('1xx in front of each answer of a pipeline, in order', async (t) => {
  bench.upstream.begin((request) => {
    const path = request.head.start.split(' ')[1] ?? '';
    return request.answer(
      `HTTP/1.1 103 X\r\nX-For: ${path}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`,
    );
  });
  const client = bench.connect();
  client.send(['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`).join(''));
  for (const path of ['/a', '/b', '/c']) {
    const { interim, final } = await client.response();
    t.is(final.body, path);
    // A 1xx for a request whose turn has not come may be dropped, but never be told of another.
    for (const one of interim) t.deepEqual(valuesOf(one, 'x-for'), [path]);
  }
  await bench.settle(t);
});

test.serial('the app asks for the body', async (t) => {
  bench.upstream.begin(async (request) => {
    request.send('HTTP/1.1 100 Continue\r\n\r\n');
    await request.answer(OK);
  });
  const client = bench.connect().send(expecting());
  t.is((await client.message('POST')).start, 'HTTP/1.1 100 Continue');
  client.send('hello');
  t.is((await client.message('POST')).body, 'ok');
  t.is(bench.upstream.seen[0]?.message?.body, 'hello');
  t.deepEqual(valuesOf(bench.upstream.seen[0]?.head ?? { fields: [] }, 'expect'), ['100-continue']);
  t.is(await client.end(), '');
  await bench.settle(t);
});

test.serial('the app refuses the body: the client gets that at once, and no 100', async (t) => {
  bench.upstream.begin(async (request) => {
    request.send('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno');
    request.socket.end();
    await request.gone();
  });
  const client = bench.connect().send(expecting());
  const { interim, final } = await client.response('POST');
  t.is(statusOf(final), 417);
  t.is(final.body, 'no');
  t.is(interim.length, 0);
  t.is(await client.end(), '');
  await bench.settle(t);
});

test.serial('a client that expects and sends without waiting', async (t) => {
  bench.upstream.begin(async (request) => {
    await request.until(/hello/);
    request.send(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
  });
  const client = bench.connect().send(`${expecting()}hello`);
  t.is((await client.response('POST')).final.body, 'ok');
  t.is(bench.upstream.seen[0]?.message?.body, 'hello');
  await bench.settle(t);
});

test.serial('an app that reads without asking: the body may come any time', async (t) => {
  bench.upstream.begin((request) => request.answer(OK));
  const client = bench.connect().send(expecting());
  await bench.upstream.request();
  client.send('hello');
  t.is((await client.response('POST')).final.body, 'ok');
  await bench.settle(t);
});

test.serial('HTTP/1.0 has no Expect', async (t) => {
  bench.upstream.begin((request) => request.answer(OK));
  const client = bench.connect().send(`${expecting('1.0')}hello`);
  const { interim, final } = await client.response('POST');
  t.is(final.body, 'ok');
  t.is(interim.length, 0);
  t.deepEqual(valuesOf(bench.upstream.seen[0]?.head ?? { fields: [] }, 'expect'), []);
  await bench.settle(t);
});

test.serial('Expect with chunks', async (t) => {
  bench.upstream.begin(async (request) => {
    request.send('HTTP/1.1 100 Continue\r\n\r\n');
    await request.answer(OK);
  });
  const client = bench
    .connect()
    .send(`PUT /x HTTP/1.1\r\n${HOST}Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n`);
  t.is((await client.message('PUT')).start, 'HTTP/1.1 100 Continue');
  client.send('5\r\nhello\r\n0\r\n\r\n');
  t.is((await client.message('PUT')).body, 'ok');
  t.is(bench.upstream.seen[0]?.message?.body, 'hello');
  client.send(`GET /probe/after HTTP/1.1\r\n${HOST}\r\n`);
  t.is((await client.response()).final.body, 'after');
  await bench.settle(t);
});

test.serial('an app that says 100 to a request without body does no harm', async (t) => {
  bench.upstream.begin((request) => request.answer(`HTTP/1.1 100 Continue\r\n\r\n${OK}`));
  const client = bench.connect().send(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
  t.is((await client.response()).final.body, 'ok');
  client.send(`GET /probe/after HTTP/1.1\r\n${HOST}\r\n`);
  t.is((await client.response()).final.body, 'after');
  await bench.settle(t);
});
