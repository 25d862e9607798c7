/** The end of a proxy: nobody who came before it is turned away or loses an answer. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test from 'ava';
import { startWith } from '../../helpers/proxy-fixture.js';
import { eventually, RawClient } from '../../helpers/raw-http.js';

const GET = 'GET / HTTP/1.1\r\nHost: a.app.test\r\n\r\n';
const CLOSE = { graceMs: 60_000 };

test('a connection that was accepted before and brings its request only now is answered', async (t) => {
  const { port, proxy, upstreams } = await startWith(t, (_req, res) => res.end('hello'));
  // Those before it were accepted before, as the kernel keeps the order.
  const clients = Array.from({ length: 20 }, () => new RawClient(port));
  await new RawClient(port).write(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')).end();
  t.is(upstreams.acquired, 1);
  const closed = proxy.close(CLOSE);
  const answers = await Promise.all(clients.map((client) => client.write(GET).end()));
  for (const answer of answers) {
    t.regex(answer, /^HTTP\/1\.1 200 /);
    t.regex(answer, /\r\nconnection: close\r\n/i);
    t.regex(answer, /hello\r\n0\r\n\r\n$|hello$/);
  }
  t.true(clients.every(({ error }) => error === undefined));
  await closed;
});

test('a client that uses its connection again gets its answer, and hears that it was the last one', async (t) => {
  const { port, proxy } = await startWith(t, (_req, res) => res.end('hello'));
  const client = new RawClient(port).write(GET);
  t.notRegex(await client.until(/hello/), /connection: close/i);
  const closed = proxy.close(CLOSE);
  t.regex(await client.write(GET).end(), /hello[\s\S]*connection: close[\s\S]*hello/i);
  await closed;
});

test('who was told that the connection stays gets an answer to what was sent behind that', async (t) => {
  let finish: () => void = () => {};
  const { port, proxy } = await startWith(t, (_req, res) => {
    res.write('begun ');
    finish = () => res.end('done');
  });
  const client = new RawClient(port).write(GET);
  await client.until(/begun/);
  const closed = proxy.close(CLOSE);
  client.write(GET);
  finish();
  await client.until(/done[\s\S]*begun/);
  finish();
  t.regex(await client.end(), /done[\s\S]*connection: close[\s\S]*done/i);
  await closed;
});

test('while open requests are finished, others are served', async (t) => {
  let finish: () => void = () => {};
  const { port, proxy } = await startWith(t, ({ url }, res) => {
    if (url === '/') return res.end('hello');
    res.write('begun ');
    finish = () => res.end('done');
  });
  const slow = new RawClient(port).write(GET.replace(' / ', ' /slow '));
  await slow.until(/begun/);
  const idle = new RawClient(port).write(GET);
  await idle.until(/hello/);
  let finished = false;
  const finishing = proxy.finishOpen(CLOSE).then(() => {
    finished = true;
  });
  for (let i = 0; i < 3; i += 1)
    t.regex(await new RawClient(port).write(GET).end(), /connection: close[\s\S]*hello/i);
  t.regex(await idle.write(GET).end(), /hello[\s\S]*connection: close[\s\S]*hello/i);
  t.false(finished);
  finish();
  await finishing;
  await slow.until(/done/);
});

test('what is open after the time for it is cut, and what has begun later is not', async (t) => {
  let finish: () => void = () => {};
  const { port, proxy } = await startWith(t, (_req, res) => {
    res.write('begun ');
    finish = () => res.end('done');
  });
  const slow = new RawClient(port).write(GET);
  await slow.until(/begun/);
  const finishing = proxy.finishOpen({ graceMs: 20 });
  const later = new RawClient(port).write(GET);
  await finishing;
  await later.until(/begun/);
  t.notRegex(await slow.end(), /done/);
  finish();
  t.regex(await later.end(), /done/);
});

test('an idle connection is ended and not reset, whatever still comes on it', async (t) => {
  const { port, proxy } = await startWith(t, (_req, res) => res.end('hello'));
  const client = new RawClient(port).write(GET);
  await client.until(/hello/);
  // At once: the proxy does not read on for ever.
  client.socket.once('end', () => client.write(GET));
  const closed = proxy.close(CLOSE);
  await eventually(() => client.ended, 'the end of the connection');
  await closed;
  t.is(client.error, undefined);
  client.socket.destroy();
});

test('half a head is not waited for: 503', async (t) => {
  const { port, proxy } = await startWith(t, (_req, res) => res.end('hello'));
  const client = new RawClient(port).write('GET / HTTP/1.1\r\nHost:');
  // Whatever was sent before it is read as well by then.
  await new RawClient(port).write(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')).end();
  const closed = proxy.close(CLOSE);
  t.regex(await client.end(), /^HTTP\/1\.1 503 [\s\S]*shutting_down/);
  await closed;
});

test('the last answer of a connection goes out whole, however long the client lets it wait', async (t) => {
  const { port } = await startWith(t, (req, res) => res.end(Buffer.alloc(Number(req.url?.slice(1)), 'x')));
  const read = async (size: number): Promise<void> => {
    const client = new RawClient(port);
    let bytes = 0;
    client.socket.removeAllListeners('data').on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    client.write(`GET /${size} HTTP/1.1\r\nHost: a.app.test\r\nConnection: close\r\n\r\n`);
    client.socket.pause();
    // Longer than who sends what nobody wants is given.
    setTimeout(() => client.socket.resume(), 6500);
    await client.end();
    t.is(client.error, undefined);
    t.true(bytes > size, `${bytes} bytes of ${size} came`);
  };
  // Of some of these the system's buffers take all but the last bytes, which have to wait in ours.
  const near = await buffered();
  await Promise.all(Array.from({ length: 50 }, (_, i) => read(near - 100_000 + i * 10_000)));
});

/** Bytes that the system takes for a client that reads nothing. */
async function buffered(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  let taken = 0;
  for (let took = true; took; taken += took ? 100_000 : 0) {
    took = await Promise.race([
      new Promise<boolean>((done) => socket.write(Buffer.alloc(100_000), () => done(true))),
      new Promise<boolean>((done) => setTimeout(done, 500, false)),
    ]);
  }
  socket.on('error', () => {});
  for (const one of [socket, client]) one.destroy();
  server.close();
  return taken;
}
