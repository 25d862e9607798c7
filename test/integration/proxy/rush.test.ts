import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { startWith, startWithRaw } from '../../helpers/proxy-fixture.js';
import { eventually, RawClient } from '../../helpers/raw-http.js';

// Many who waited for one instance, at the moment when it is ready.

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.app.test\r\nConnection: close\r\n\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

/** An app that accepts, and answers nobody until `answer` is called. */
async function silentApp(t: ExecutionContext) {
  const startedAt = performance.now();
  const asked: string[] = [];
  let accepted = 0;
  let most = Number.NEGATIVE_INFINITY;
  let answering = false;
  const waiting = new Set<Socket>();
  const fixture = await startWithRaw(t, (socket) => {
    // A dial is never later than its accept: so many at most can have been dialled by now.
    accepted += 1;
    if (!answering) most = Math.max(most, accepted - (4 + (performance.now() - startedAt) / 15 + 1));
    socket.once('data', (bytes) => {
      asked.push(/^GET (\S+)/.exec(bytes.toString('latin1'))?.[1] ?? '');
      if (answering) socket.end(OK);
      else waiting.add(socket);
    });
  });
  const answer = () => {
    answering = true;
    for (const socket of waiting) socket.end(OK);
  };
  return { ...fixture, asked, answer, excess: () => most };
}

test('an app that has not answered yet gets few connections at a time, and all are answered', async (t) => {
  const { port, asked, answer, excess } = await silentApp(t);
  const clients = Array.from({ length: 20 }, (_, i) => new RawClient(port).write(request(`/${i}`)));
  await eventually(() => asked.length > 4, 'more than the window although nothing was answered');
  t.true(asked.length < 20);
  await eventually(() => asked.length >= 8, 'some more');
  answer();
  for (const client of clients) t.regex(await client.end(), /^HTTP\/1\.1 200 OK[\s\S]*ok$/);
  t.true(excess() <= 0, 'no more than four and one each 15 ms before the first answer');
  t.is(new Set(asked).size, 20);
});

test('nobody is held back for long by an app that does not answer', async (t) => {
  const { port, asked, answer } = await silentApp(t);
  const clients = Array.from({ length: 20 }, (_, i) => new RawClient(port).write(request(`/${i}`)));
  await eventually(() => asked.length === 20, 'all to be dialled without any answer');
  answer();
  for (const client of clients) t.regex(await client.end(), /ok$/);
});

const leave: Record<string, (client: RawClient) => void> = {
  resets: ({ socket }) => socket.resetAndDestroy(),
  closes: ({ socket }) => socket.destroy(),
};

for (const [how, end] of Object.entries(leave))
  test(`who ${how} while it waits for a connection is not delivered`, async (t) => {
    const { port, asked, answer, upstreams, ends } = await silentApp(t);
    const clients = Array.from({ length: 60 }, (_, i) => new RawClient(port).write(request(`/${i}`)));
    await eventually(() => upstreams.open === 60, 'all leases');
    for (const client of clients) end(client);
    await eventually(() => ends.length === 60 && upstreams.open === 0, 'all to be gone');
    answer();
    t.regex(await new RawClient(port).write(request('/next')).end(), /ok$/);
    // Those that were dialled before may be seen late; the others had left the queue.
    t.true(asked.length < 60);
    t.is(asked.at(-1), '/next');
  });

test('a concurrent app that keeps connections: all are answered', async (t) => {
  const { port, upstreams } = await startWith(t, (_req, res) => res.end('ok'));
  const clients = Array.from({ length: 100 }, (_, i) => new RawClient(port).write(request(`/${i}`)));
  for (const client of clients) t.regex(await client.end(), /ok$/);
  await eventually(() => upstreams.open === 0, 'all leases to be given back');
});
