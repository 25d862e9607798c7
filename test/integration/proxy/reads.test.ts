import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { Duplex } from 'node:stream';
import test from 'ava';
import { startWith } from '../../helpers/proxy-fixture.js';
import { eventually } from '../../helpers/raw-http.js';

// Accident: a read buffer that is filled again while a write still needs it puts bytes of one request into another.

const SIZE = 3_000_000;

/** Bytes that are different at each place and for each `seed`. */
function bytes(seed: number): Buffer {
  const out = Buffer.allocUnsafe(SIZE);
  for (let i = 0; i < SIZE; i += 4) out.writeUInt32LE((i * 2654435761 + seed * 97) >>> 0, i);
  return out;
}
const hash = (data: Buffer) => createHash('sha256').update(data).digest('hex');

for (const fastReads of ['auto', 'off'] as const) {
  test(`fastReads ${fastReads}: many bodies at once, to slow readers, arrive whole both ways`, async (t) => {
    const { port, upstreams, ends } = await startWith(
      t,
      (req, res) => {
        const length = req.headers['content-length'];
        if (length !== undefined) res.setHeader('Content-Length', length);
        req.on('data', (chunk) => {
          if (!res.write(chunk)) {
            req.pause();
            res.once('drain', () => req.resume());
          }
        });
        req.on('end', () => res.end());
      },
      { fastReads },
    );
    const send = (seed: number) =>
      new Promise<void>((resolve, reject) => {
        const data = bytes(seed);
        const framing = seed % 2 === 0 ? { 'Content-Length': SIZE } : {};
        const headers = { Host: 'a.app.test', ...framing };
        const req = request({ host: '127.0.0.1', port, method: 'POST', headers, agent: false }, (res) => {
          const parts: Buffer[] = [];
          let until = 500_000;
          let got = 0;
          res.on('data', (chunk: Buffer) => {
            parts.push(chunk);
            got += chunk.length;
            if (got < until) return;
            until += 500_000;
            res.pause();
            setTimeout(() => res.resume(), 10);
          });
          res.on('end', () => {
            t.is(hash(Buffer.concat(parts)), hash(data), `body ${seed}`);
            resolve();
          });
        });
        req.on('error', reject).end(data);
      });
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(send));
    await eventually(() => upstreams.open === 0 && ends.length === 8, 'the leases to be released');
    t.true(ends.every(({ bytesIn, bytesOut }) => bytesIn === SIZE && bytesOut === SIZE));
  });
}

test('the client may be any stream', async (t) => {
  const { proxy } = await startWith(t, (req, res) => {
    res.end(`${req.headers['x-forwarded-for']} ${req.headers['x-forwarded-proto']}`);
  });
  let got = '';
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      got += chunk;
      done();
    },
  });
  const info = { remoteAddress: '192.0.2.9', remotePort: 1, localPort: 443, encrypted: true };
  proxy.handleConnection(stream, info);
  stream.push('GET / HTTP/1.1\r\nHost: a.app.test\r\nConnection: close\r\n\r\n');
  await eventually(() => stream.writableFinished, 'the answer');
  t.regex(got, /^HTTP\/1\.1 200 OK\r\n[\s\S]*192\.0\.2\.9 https$/);
  stream.push(null);
  await eventually(() => stream.destroyed, 'the end of the stream');
});
