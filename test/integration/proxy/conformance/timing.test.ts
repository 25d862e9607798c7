import test from 'ava';
import { statusOf } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';
import { eventually } from '../../../helpers/raw-http.js';

// Who speaks and who stops when: early answers, half-closed clients, slow readers, connections that end.

const bench = proxyBench(test);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CLOSE = 'Connection: close\r\n';

test.serial('the answer comes before the request’s body has ended, and the rest still arrives', async (t) => {
  bench.upstream.begin(async (request) => {
    await request.until(/first/);
    request.send(OK);
    await request.whole();
  });
  const client = bench.connect().send(`POST /x HTTP/1.1\r\n${HOST}Content-Length: 11\r\n\r\nfirst `);
  t.is((await client.response('POST')).final.body, 'ok');
  client.send('later');
  await bench.upstream.seen[0]?.whole().catch(() => {});
  // The app has answered: whether it still gets the rest is the proxy's choice, but the connection stays in step or ends.
  if (bench.upstream.seen[0]?.message !== undefined) t.is(bench.upstream.seen[0].message.body, 'first later');
  client.send(`GET /probe/after HTTP/1.1\r\n${HOST}\r\n`);
  const after = await client.response().then(
    ({ final }) => final.body,
    () => 'ended',
  );
  t.true(['after', 'ended'].includes(after));
  await bench.settle(t);
});

test.serial('head and parts of an answer pass while the request’s body is still being sent', async (t) => {
  bench.upstream.begin(async (request) => {
    request.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (const word of ['one', 'two', 'three']) {
      await request.until(new RegExp(word));
      request.send(`${word.length}\r\n${word}\r\n`);
    }
    await request.answer('0\r\n\r\n');
  });
  const client = bench
    .connect()
    .send(`POST /x HTTP/1.1\r\n${HOST}${CLOSE}Transfer-Encoding: chunked\r\n\r\n`);
  await client.until(/200 OK/);
  for (const word of ['one', 'two', 'three']) {
    client.send(`${word.length}\r\n${word}\r\n`);
    await client.until(new RegExp(word));
  }
  client.send('0\r\n\r\n');
  t.is((await client.response('POST')).final.body, 'onetwothree');
  t.is(await client.end(), '');
  await bench.settle(t);
});

test.serial('events pass one by one', async (t) => {
  const going: (() => void)[] = [];
  bench.upstream.begin(async (request) => {
    request.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
    for (let i = 0; i < 3; i += 1) {
      await new Promise<void>((done) => going.push(done));
      request.send(`data: event${i}\n\n`);
    }
    await new Promise<void>((done) => going.push(done));
    request.socket.end();
  });
  const client = bench.connect().send(`GET /x HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
  await client.until(/event-stream\r\n[\s\S]*\r\n\r\n/);
  for (let i = 0; i < 3; i += 1) {
    await eventually(() => going.length === i + 1, 'the app');
    going[i]?.();
    await client.until(new RegExp(`event${i}`));
  }
  await eventually(() => going.length === 4, 'the app');
  going[3]?.();
  t.is((await client.response()).final.body, 'data: event0\n\ndata: event1\n\ndata: event2\n\n');
  await bench.settle(t);
});

test.serial('a client that ends its side behind the request still gets its answer', async (t) => {
  bench.upstream.begin(async (request) => {
    await request.whole();
    await new Promise((done) => setImmediate(done));
    request.send(OK);
  });
  for (const bytes of [
    `GET /x HTTP/1.1\r\n${HOST}\r\n`,
    `GET /x HTTP/1.0\r\n${HOST}\r\n`,
    `POST /x HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
    `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ]) {
    const client = bench.connect();
    client.socket.end(bytes, 'latin1');
    t.is((await client.response('POST')).final.body, 'ok', bytes.slice(0, 15));
    t.is(await client.end(), '');
  }
  await bench.settle(t);
});

test.serial('a client that ends its side behind two pipelined requests gets both answers', async (t) => {
  bench.upstream.begin((request) => request.answer(OK));
  const client = bench.connect();
  client.socket.end(`GET /x HTTP/1.1\r\n${HOST}\r\n`.repeat(2), 'latin1');
  t.is((await client.response()).final.body, 'ok');
  t.is((await client.response()).final.body, 'ok');
  t.is(await client.end(), '');
  await bench.settle(t);
});

for (const [name, bytes] of Object.entries({
  'in the request line': 'GET /x HT',
  'in the head': `GET /x HTTP/1.1\r\n${HOST}X-A:`,
  'in a body with a length': `POST /x HTTP/1.1\r\n${HOST}Content-Length: 50\r\n\r\nhello`,
  'in a chunk': `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n50\r\nhello`,
  'behind a chunk': `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  'in the trailers': `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: 1\r\n`,
})) {
  for (const how of ['ends', 'resets'] as const) {
    test.serial(`a client that ${how} ${name}: the app never has a whole request`, async (t) => {
      bench.upstream.begin((request) => request.answer(OK));
      const client = bench.connect().send(bytes);
      if (name.startsWith('in a') || name.startsWith('behind') || name === 'in the trailers')
        await bench.upstream.request();
      else await new Promise((done) => setImmediate(done));
      if (how === 'ends') client.socket.end();
      else client.socket.resetAndDestroy();
      await client.end();
      const [request] = bench.upstream.seen;
      if (request !== undefined) {
        await request.gone();
        t.is(request.message, undefined);
      }
      t.notRegex(client.buffer, / 200 /);
      await bench.settle(t);
    });
  }
}

test.serial('a client that resets while it waits, while it reads, and with a pipeline behind', async (t) => {
  const ask = `GET /x HTTP/1.1\r\n${HOST}\r\n`;
  const starts: [sent: string, answered: string, seen: RegExp | undefined][] = [
    [ask, '', undefined],
    [ask.repeat(5), '', undefined],
    [ask, 'HTTP/1.1 103 X\r\n\r\n', /103/],
    [ask, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', /half/],
    [ask, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', /half/],
    [ask, 'HTTP/1.1 200 OK\r\n\r\nhalf', /half/],
    [ask.repeat(5), 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', /half/],
  ];
  for (const [sent, answered, seen] of starts) {
    for (const how of ['reset', 'destroy'] as const) {
      bench.upstream.begin(async (request) => {
        request.send(answered);
        await request.gone();
      });
      const client = bench.connect().send(sent);
      const request = await bench.upstream.request();
      if (seen !== undefined) await client.until(seen);
      if (how === 'reset') client.socket.resetAndDestroy();
      else client.destroy();
      await request.gone();
      await eventually(() => bench.fixture.upstreams.open === 0, 'the leases');
    }
  }
  await bench.settle(t);
  t.pass();
});

test.serial('an app that breaks off in its answer: the client can tell', async (t) => {
  for (const half of [
    'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
  ]) {
    for (const version of ['1.1', '1.0']) {
      bench.upstream.begin(async (request) => {
        await request.whole();
        request.send(half);
        await goOn;
        request.socket.resetAndDestroy();
      });
      let go: () => void = () => {};
      const goOn = new Promise<void>((done) => {
        go = done;
      });
      const client = bench.connect().send(`GET /x HTTP/${version}\r\n${HOST}\r\n`);
      await client.until(/half/);
      go();
      const outcome = await client.response().then(
        ({ final }) => final,
        (error: Error) => error.message,
      );
      if (typeof outcome === 'string') t.regex(outcome, /^the connection ended/);
      // A body that ends with the connection is only known to be cut when that is reset.
      else t.is(client.error?.code, 'ECONNRESET', `${version} ${half}`);
    }
  }
  await bench.settle(t);
});

test.serial('pipelined answers keep their order however long each takes', async (t) => {
  bench.upstream.begin(async (request) => {
    await request.whole();
    const word = request.head.start.split('/')[1]?.split(' ')[0] ?? '';
    for (let i = 0; i < Number(word) * 3; i += 1) await new Promise((done) => setImmediate(done));
    request.send(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${word}`);
  });
  const client = bench.connect();
  const order = ['9', '1', '5', '0', '7', '2'];
  client.send(
    order
      .map((word, i) =>
        i % 2 === 0
          ? `GET /${word} HTTP/1.1\r\n${HOST}\r\n`
          : `POST /${word} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`,
      )
      .join(''),
  );
  for (const word of order) t.is((await client.response('GET')).final.body, word);
  t.is(bench.upstream.seen.length, order.length);
  await bench.settle(t);
});

test.serial('300 requests in one packet', async (t) => {
  bench.upstream.begin((request) => request.answer(OK));
  const client = bench.connect().send(`GET /x HTTP/1.1\r\n${HOST}\r\n`.repeat(300));
  for (let i = 0; i < 300; i += 1) t.is((await client.response()).final.body, 'ok');
  await bench.settle(t);
});

test.serial('a slow reader holds the app back, and then gets everything', async (t) => {
  const size = 32 * 1024 * 1024;
  const block = 'x'.repeat(64 * 1024);
  let sent = 0;
  bench.upstream.begin(async (request) => {
    await request.whole();
    request.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    while (sent < size && !request.closed) {
      sent += block.length;
      if (!request.socket.write(block)) await new Promise((done) => request.socket.once('drain', done));
    }
  });
  const client = bench.connect();
  client.socket.removeAllListeners('data');
  client.socket.pause();
  client.send(`GET /x HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
  await bench.upstream.request();
  // Stopped: the same count over many turns.
  let still = 0;
  let last = -1;
  await eventually(() => {
    still = sent === last ? still + 1 : 0;
    last = sent;
    return still > 20;
  }, 'the app to be held back');
  t.true(sent < size, `${sent} bytes were taken from the app`);
  let received = 0;
  client.socket.on('data', (chunk) => {
    received += chunk.length;
  });
  client.socket.resume();
  await client.end();
  t.true(received > size);
  await bench.settle(t);
});

test.serial('a slow app holds the client back, and then gets everything', async (t) => {
  const size = 32 * 1024 * 1024;
  const block = 'x'.repeat(64 * 1024);
  let received = 0;
  let read: () => void = () => {};
  bench.upstream.begin(async (request) => {
    const { socket } = request;
    socket.removeAllListeners('data');
    socket.pause();
    await new Promise<void>((done) => {
      read = done;
    });
    await new Promise<void>((done) => {
      socket.on('data', (chunk) => {
        received += chunk.length;
        if (received >= size - 64 * 1024) done();
      });
      socket.resume();
    });
    request.switched = true;
    request.send(`HTTP/1.1 200 OK\r\n${CLOSE}Content-Length: 2\r\n\r\nok`);
    socket.end();
  });
  const client = bench.connect().send(`POST /x HTTP/1.1\r\n${HOST}${CLOSE}Content-Length: ${size}\r\n\r\n`);
  let sent = 0;
  const sending = (async () => {
    while (sent < size && !client.socket.destroyed) {
      sent += block.length;
      if (!client.socket.write(block)) await new Promise((done) => client.socket.once('drain', done));
    }
  })();
  await bench.upstream.request();
  let still = 0;
  let last = -1;
  await eventually(() => {
    still = sent === last ? still + 1 : 0;
    last = sent;
    return still > 20;
  }, 'the client to be held back');
  t.true(sent < size, `${sent} bytes were taken from the client`);
  read();
  await sending;
  t.is(statusOf((await client.response('POST')).final), 200);
  await bench.settle(t);
});
