import test from 'ava';
import { startWith, startWithRaw } from '../../helpers/proxy-fixture.js';
import { eventually, exchange, RawClient } from '../../helpers/raw-http.js';

const HOST = 'Host: a.app.test\r\n';

test('an event stream is passed event by event, its head before any', async (t) => {
  let send: (text: string) => void = () => {};
  const { port, upstreams } = await startWith(t, (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.flushHeaders();
    send = (text) => res.write(text);
  });
  const client = new RawClient(port).write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  await client.until(/text\/event-stream[\s\S]*\r\n\r\n$/);
  send('data: 1\n\n');
  await client.until(/data: 1\n\n/);
  send('data: 2\n\n');
  await client.until(/data: 2\n\n/);
  t.is(upstreams.open, 1, 'an open stream holds its lease');
  client.socket.destroy();
  await eventually(() => upstreams.open === 0, 'the lease to be released');
});

test('trailers pass both ways', async (t) => {
  const { port } = await startWith(t, (req, res) => {
    req.resume().on('end', () => {
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('body');
      res.addTrailers({ 'X-Sum': String(req.trailers['x-in']) });
      res.end();
    });
  });
  const client = new RawClient(port);
  client.write(
    `POST / HTTP/1.1\r\n${HOST}Trailer: X-In\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-In: 42\r\n\r\n`,
  );
  const answer = await client.until(/0\r\nX-Sum: 42\r\n\r\n$/);
  t.regex(answer, /\r\nTrailer: X-Sum\r\n/);
  client.socket.destroy();
});

test('Expect: 100-continue: the app decides; 100 is passed when it comes', async (t) => {
  const { port, upstreams } = await startWithRaw(t, (socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      if (text.endsWith('\r\n\r\n')) {
        socket.write(
          /Expect: 100-continue/.test(text) ? 'HTTP/1.1 100 Continue\r\n\r\n' : 'HTTP/1.1 500 No\r\n\r\n',
        );
      }
      if (text.endsWith('hello')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  const client = new RawClient(port);
  client.write(`PUT / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  client.write('hello');
  t.regex(await client.until(/ok$/), /HTTP\/1\.1 200 OK/);
  client.socket.destroy();
  await eventually(() => upstreams.open === 0, 'the lease to be released');
});

test('Expect: 100-continue: a final answer without 100 is passed', async (t) => {
  const { port } = await startWithRaw(t, (socket) => {
    socket.once('data', () =>
      socket.end('HTTP/1.1 417 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno'),
    );
  });
  const client = new RawClient(port);
  client.write(`PUT / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
  t.regex(await client.until(/no$/), /^HTTP\/1\.1 417 No/);
  client.socket.destroy();
});

test('Expect: 100-continue: a body that comes unasked reaches an app that never says 100', async (t) => {
  const { port } = await startWithRaw(t, (socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      if (text.endsWith('hello')) socket.end('HTTP/1.0 200 OK\r\n\r\nold');
    });
  });
  const client = new RawClient(port);
  client.write(`PUT / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`);
  t.regex(await client.until(/old/), /^HTTP\/1\.1 200 OK/);
  client.socket.destroy();
});

test('102 and 103 pass, but not to an HTTP/1.0 client', async (t) => {
  const { port } = await startWithRaw(t, (socket) => {
    socket.once('data', () =>
      socket.end(
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    );
  });
  const modern = await exchange(port, `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
  t.regex(modern, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/);
  t.regex(await exchange(port, `GET / HTTP/1.0\r\n${HOST}\r\n`), /^HTTP\/1\.1 200 OK/);
});

test('an HTTP/1.0 client gets no chunks, an HTTP/1.0 app none either', async (t) => {
  const { port } = await startWith(t, (req, res) => {
    res.write('one');
    setImmediate(() => res.end(`two ${req.headers['transfer-encoding']}`));
  });
  const answer = await exchange(port, `GET / HTTP/1.0\r\n${HOST}TE: chunked\r\n\r\n`);
  t.regex(answer, /\r\n\r\nonetwo undefined$/);
  t.notRegex(answer, /chunked/i);
});

test('a body that ends with the connection of an HTTP/1.0 app becomes chunked', async (t) => {
  const { port } = await startWithRaw(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nold body'));
  });
  const client = new RawClient(port).write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  t.regex(await client.until(/0\r\n\r\n$/), /Transfer-Encoding: chunked[\s\S]*8\r\nold body\r\n0\r\n\r\n$/);
  client.socket.destroy();
});

test('an answer before the end of the body is passed, and the connection goes on', async (t) => {
  const { port, upstreams } = await startWith(t, (req, res) => {
    res.end(`early ${req.url}`);
  });
  const client = new RawClient(port);
  client.write(`POST /1 HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nhello`);
  await client.until(/early \/1/);
  await eventually(() => upstreams.open === 0, 'the lease to be released at the end of the answer');
  client.write(`worldGET /2 HTTP/1.1\r\n${HOST}\r\n`);
  t.regex(await client.until(/early \/2/), /early \/1[\s\S]*early \/2/);
  client.socket.destroy();
});

// Accident: the app answers 413 and closes with bytes unread, which resets the connection under our writes.
test('an early answer survives the reset that follows it', async (t) => {
  const { port } = await startWithRaw(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig', () => {
        socket.pause();
        setTimeout(() => socket.resetAndDestroy(), 20);
      });
    });
  });
  const block = Buffer.alloc(64 * 1024, 'x');
  for (let round = 0; round < 5; round += 1) {
    const client = new RawClient(port);
    client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${block.length * 200}\r\n\r\n`);
    for (let i = 0; i < 20; i += 1) client.write(block);
    t.regex(await client.until(/big$/), /^HTTP\/1\.1 413 Too Large/);
    client.socket.destroy();
  }
});
