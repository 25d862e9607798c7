import test from 'ava';
import { startWithRaw } from '../../helpers/proxy-fixture.js';
import { eventually, RawClient } from '../../helpers/raw-http.js';

// Accident: an app dies in the middle of a download, and the client stores half a file as a whole one.

const HOST = 'Host: a.app.test\r\n';

test('half of a body with a length ends the connection', async (t) => {
  const { port, upstreams } = await startWithRaw(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
  });
  const client = new RawClient(port).write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  t.regex(await client.end(), /Content-Length: 100\r\n[\s\S]*half$/);
  await eventually(() => upstreams.open === 0, 'the lease to be released');
  t.is(upstreams.acquired, 1);
});

test('half of a chunked body ends without the last chunk', async (t) => {
  const { port } = await startWithRaw(t, (socket) => {
    socket.once('data', () =>
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'),
    );
  });
  const client = new RawClient(port).write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  t.notRegex(await client.end(), /0\r\n\r\n$/);
});

test('a body that ends with the connection is reset for an HTTP/1.0 client', async (t) => {
  const { port } = await startWithRaw(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
      setTimeout(() => socket.end(), 20);
    });
  });
  const client = new RawClient(port).write(`GET / HTTP/1.0\r\n${HOST}\r\n`);
  await eventually(() => client.closed, 'the connection to break');
  t.is((client.error as NodeJS.ErrnoException | undefined)?.code, 'ECONNRESET');
});
