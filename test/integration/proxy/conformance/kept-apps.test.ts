import test from 'ava';
import { statusOf } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';
import type { UpstreamRequest } from '../../../helpers/scripted-upstream.js';
import { turn } from '../../../helpers/wire-client.js';

// Apps that end their connections whenever they like: whoever keeps them in a pool must lose no request, and send no POST twice.

const bench = proxyBench(test);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const body = 'Content-Length: 5\r\n\r\nhello';

const request = (method: string, path: string) =>
  `${method} ${path} HTTP/1.1\r\n${HOST}${method === 'POST' ? body : '\r\n'}`;

const ends: Record<string, (asked: UpstreamRequest) => void> = {
  ends: ({ socket }) => socket.end(),
  resets: ({ socket }) => socket.resetAndDestroy(),
};

for (const [how, end] of Object.entries(ends)) {
  test.serial(
    `an app that ${how} some turns behind each answer: every request is answered once`,
    async (t) => {
      let count = 0;
      bench.upstream.begin(async (asked) => {
        await asked.answer(OK);
        count += 1;
        const wait = count % 7;
        void (async () => {
          for (let i = 0; i < wait + 1; i += 1) await turn();
          end(asked);
        })();
      });
      const client = bench.connect();
      for (let i = 0; i < 140; i += 1) {
        const method = i % 2 === 0 ? 'GET' : 'POST';
        client.send(request(method, `/${i}`));
        // Between two requests the connections of a pool get the time to be ended, and sometimes not.
        const { final } = await client.response(method);
        t.is(statusOf(final), 200, `${method} /${i}`);
        for (let turns = 0; turns < i % 11; turns += 1) await turn();
      }
      const posts = bench.upstream.seen
        .map(({ head }) => head.start)
        .filter((start) => start.startsWith('POST'));
      t.is(posts.length, new Set(posts).size, 'no POST came twice');
      t.is(posts.length, 70);
      await bench.settle(t);
    },
  );
}

test.serial('an app that drops the second request of each connection unanswered', async (t) => {
  const used = new Set<unknown>();
  bench.upstream.begin(async (asked) => {
    await asked.whole();
    if (used.has(asked.socket)) {
      asked.socket.destroy();
      return;
    }
    used.add(asked.socket);
    asked.send(OK);
  });
  const client = bench.connect();
  for (let i = 0; i < 40; i += 1) {
    const method = i % 3 === 2 ? 'POST' : 'GET';
    client.send(request(method, `/${i}`));
    const status = statusOf((await client.response(method)).final);
    const times = bench.upstream.seen.filter(({ head }) => head.start.startsWith(`${method} /${i} `)).length;
    if (method === 'GET') t.is(status, 200, `GET /${i} is sent again on a fresh connection`);
    else {
      t.true(status === 200 || status === 502, `POST /${i}: ${status}`);
      t.is(times, 1, 'the app may have acted on it');
    }
    t.true(times <= 2);
  }
  await bench.settle(t);
});

test.serial('an app that allows one request at a time is never given two on a connection', async (t) => {
  let most = 0;
  let open = 0;
  bench.upstream.begin(async (asked) => {
    await asked.whole();
    open += 1;
    most = Math.max(most, asked.bytes.split(' HTTP/1.1\r\n').length - 1);
    await turn();
    await turn();
    t.is(asked.bytes.split(' HTTP/1.1\r\n').length - 1, 1, 'nothing is pipelined to an app');
    open -= 1;
    asked.send(OK);
  });
  const clients = Array.from({ length: 10 }, () => bench.connect());
  for (const client of clients) client.send(request('GET', '/x').repeat(5));
  for (const client of clients) {
    for (let i = 0; i < 5; i += 1) t.is((await client.response()).final.body, 'ok');
  }
  t.is(most, 1);
  t.is(open, 0);
  await bench.settle(t);
});
