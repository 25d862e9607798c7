import { on } from 'node:events';
import type { IncomingMessage } from 'node:http';
import test from 'ava';
import { LogEntryMessage, LogList } from '../../../src/api/protocol.js';
import { type ApiServer, startApi } from '../../helpers/api-server.js';

function say(server: ApiServer, id: string, message: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
  server.logs.add({ service: 'notes', id, stream, at: server.clock.now(), message });
}

/** The entries of a stream as they come. */
async function* entries(res: IncomingMessage): AsyncGenerator<LogEntryMessage> {
  let text = '';
  for await (const [chunk] of on(res.setEncoding('utf8'), 'data', { close: ['end', 'close'] })) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      if (event.startsWith('data: ')) yield LogEntryMessage.parse(JSON.parse(event.slice(6)));
    }
  }
}

/** Polls without a fixed delay: the event loop turns until it holds. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the condition did not come true in 20 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('lines are found by instance, stream, text and time', async (t) => {
  const server = await startApi(t);
  say(server, 'alice', 'old');
  server.clock.advance(2 * 3600_000);
  say(server, 'alice', 'Hello there');
  say(server, 'alice', 'oops', 'stderr');
  say(server, 'bob', 'hello from bob');
  const messages = async (query: string) => {
    const reply = await server.call('GET', `/api/logs?${query}`, { socket: true });
    return LogList.parse(reply.body).map(({ message }) => message);
  };
  t.deepEqual(await messages('id=notes:alice'), ['old', 'Hello there', 'oops']);
  t.deepEqual(await messages('process=notes&id=bob'), ['hello from bob']);
  t.deepEqual(await messages('id=alice&since=1h'), ['Hello there', 'oops']);
  t.deepEqual(await messages(`since=${new Date(server.clock.now()).toISOString()}&id=alice&level=stderr`), [
    'oops',
  ]);
  t.deepEqual(await messages('search=HELLO'), ['Hello there', 'hello from bob']);
  t.deepEqual(await messages('limit=1'), ['hello from bob']);
  t.deepEqual(await messages('service=shop'), []);
});

test('a stream begins with the lines asked for and goes on as they are written', async (t) => {
  const server = await startApi(t);
  say(server, 'alice', 'one');
  say(server, 'alice', 'two');
  const res = await server.open('GET', '/api/logs/stream?id=notes:alice&limit=1', { socket: true });
  t.is(res.headers['content-type'], 'text/event-stream; charset=utf-8');
  const stream = entries(res);
  say(server, 'bob', 'not this');
  say(server, 'alice', 'three\u2028with odd breaks');
  t.like((await stream.next()).value, {
    message: 'two',
    process: 'notes',
    instance_id: 'alice',
    level: 'stdout',
  });
  t.like((await stream.next()).value, { message: 'three\u2028with odd breaks' });
  res.destroy();
  await until(() => server.logs.followers === 0 && server.clock.pending === 0);
  t.pass('the reader left, and nothing of the stream is left');
});

test("a tenant's stream carries its own lines alone and ends when the token is revoked", async (t) => {
  const server = await startApi(t);
  const token = server.token({ kind: 'tenant', tenant: 'alice' });
  const res = await server.open('GET', '/api/logs/stream', { token });
  const stream = entries(res);
  say(server, 'bob', 'secret of bob');
  say(server, 'alice', 'mine');
  t.like((await stream.next()).value, { message: 'mine' });
  server.clock.advance(15_000);
  say(server, 'alice', 'still here');
  t.like((await stream.next()).value, { message: 'still here' });
  server.store.tokens.revoke(token.slice(0, 12));
  server.clock.advance(15_000);
  t.true((await stream.next()).done, 'the stream has ended');
  await until(() => server.logs.followers === 0);
});

test('a revocation through the API ends the streams of that token at once, and no others', async (t) => {
  const server = await startApi(t);
  const token = server.token({ kind: 'tenant', tenant: 'alice' });
  const other = server.token({ kind: 'tenant', tenant: 'alice' });
  const stream = entries(await server.open('GET', '/api/logs/stream', { token }));
  const kept = entries(await server.open('GET', '/api/logs/stream', { token: other }));
  say(server, 'alice', 'x'.repeat(1000));
  t.is((await stream.next()).value?.message.length, 1000);
  const path = `/api/tokens/${token.slice(0, 12)}`;
  t.is((await server.call('DELETE', path, { socket: true })).status, 204);
  say(server, 'alice', 'after the revocation');
  t.is(server.logs.followers, 1, 'only the stream of the other token follows');
  for await (const { message } of stream) t.not(message, 'after the revocation');
  for await (const { message } of kept) if (message === 'after the revocation') break;
  t.is((await server.call('GET', '/api/logs/stream', { token })).status, 401);
});

test('what a reader has not taken yet is not sent once its token is revoked', async (t) => {
  const server = await startApi(t);
  const token = server.token({ kind: 'admin' });
  const slow = await server.open('GET', '/api/logs/stream', { token });
  slow.on('error', () => {});
  slow.pause();
  // More than the sockets hold: the rest waits in the server.
  for (let i = 0; i < 3000; i += 1) {
    say(server, 'alice', 'x'.repeat(10_000));
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await server.call('DELETE', `/api/tokens/${token.slice(0, 12)}`, { socket: true });
  await until(() => server.logs.followers === 0 && server.clock.pending === 0);
  const cut = new Promise((resolve) => slow.once('close', resolve));
  slow.resume();
  await cut;
  t.false(slow.complete, 'the connection was cut');
});

test('a stream whose token is revoked while it reads earlier lines does not begin', async (t) => {
  const server = await startApi(t);
  say(server, 'alice', 'secret');
  const token = server.token({ kind: 'admin' });
  let goOn = () => {};
  const asked = new Promise<void>((resolve) => {
    const { query } = server.logs;
    server.logs.query = async (filter, limit) => {
      resolve();
      await new Promise<void>((done) => {
        goOn = done;
      });
      return query.call(server.logs, filter, limit);
    };
  });
  const reply = server.call('GET', '/api/logs/stream?limit=10', { token });
  await asked;
  await server.call('DELETE', `/api/tokens/${token.slice(0, 12)}`, { socket: true });
  goOn();
  t.notRegex((await reply).text, /secret/);
  t.is(server.logs.followers, 0);
});

test('a silent stream carries comments', async (t) => {
  const server = await startApi(t);
  const res = await server.open('GET', '/api/logs/stream', { socket: true });
  server.clock.advance(15_000);
  const [chunk] = (await on(res.setEncoding('utf8'), 'data').next()).value;
  t.is(chunk, ': keep-alive\n\n');
});

test('a reader that takes nothing costs a bounded backlog, is told of the gap, or is let go', async (t) => {
  const server = await startApi(t);
  const slow = await server.open('GET', '/api/logs/stream?id=notes:alice', { socket: true });
  slow.pause();
  const line = 'x'.repeat(10_000);
  const count = 5000;
  // In slices with turns of the event loop between, as a real flood comes.
  for (let i = 0; i < count; i += 1) {
    say(server, 'alice', line);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const stream = entries(slow);
  // After pause() a listener alone does not make it flow.
  const first = stream.next();
  slow.resume();
  t.is((await first).value?.message, line);
  let received = 1;
  let missing = 0;
  while (received + missing < count) {
    const { value } = await stream.next();
    const gap = /^(\d+) lines are missing/.exec(value?.message ?? '')?.[1];
    if (gap === undefined) received += 1;
    else missing += Number(gap);
  }
  t.true(missing > 0, 'some were dropped');
  t.is(received + missing, count, 'and each is accounted for');

  const dead = await server.open('GET', '/api/logs/stream?id=notes:bob', { socket: true });
  dead.pause();
  dead.on('error', () => {});
  for (let i = 0; i < 500; i += 1) say(server, 'bob', line);
  slow.destroy();
  await until(() => server.logs.followers === 1);
  for (let beat = 0; beat < 4; beat += 1) server.clock.advance(15_000);
  await until(() => server.logs.followers === 0);
});

test('one token cannot open streams without end, and the server ends all of them when it stops', async (t) => {
  const server = await startApi(t);
  const streams: IncomingMessage[] = [];
  for (let i = 0; i < 64; i += 1)
    streams.push(await server.open('GET', '/api/logs/stream', { socket: true }));
  t.is((await server.call('GET', '/api/logs/stream', { socket: true })).status, 503);
  const token = server.token({ kind: 'admin' });
  const other = await server.open('GET', '/api/logs/stream', { token });
  t.is(other.statusCode, 200, 'others are not affected');
  server.api.close();
  for (const res of [...streams, other]) {
    for await (const _ of res);
  }
  await until(() => server.logs.followers === 0);
  t.is(server.clock.pending, 0);
});
