import test from 'ava';
import fc from 'fast-check';
import { startWith } from '../../helpers/proxy-fixture.js';
import { RawClient } from '../../helpers/raw-http.js';

const BODY = 'a body of some length';
const REQUEST = [
  'POST /path?q HTTP/1.1\r\nHost: A.app.TEST.:80\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
  `${BODY.length.toString(16)}\r\n${BODY}\r\n3\r\nend\r\n0\r\nX-Trailer: t\r\n\r\n`,
].join('');

test('a request cut at any bytes has the same result', async (t) => {
  const { port } = await startWith(t, async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part);
    const { 'x-one': one, 'x-forwarded-host': host } = req.headers;
    res.end(JSON.stringify([req.method, req.url, one, host, String(Buffer.concat(parts)), req.trailers]));
  });
  const expected = ['POST', '/path?q', '1', 'A.app.TEST.:80', `${BODY}end`, { 'x-trailer': 't' }];
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: REQUEST.length - 1 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(cuts, async (points) => {
      const client = new RawClient(port);
      client.socket.setNoDelay(true);
      let from = 0;
      for (const point of [...points.sort((a, b) => a - b), REQUEST.length]) {
        client.write(REQUEST.slice(from, point));
        from = point;
        // Lets the piece go out by itself; where the kernel joins two anyway the result has to be the same as well.
        await new Promise((done) => setImmediate(done));
      }
      const answer = await client.end();
      t.deepEqual(JSON.parse(/\[.*\]/.exec(answer)?.[0] ?? 'null'), expected);
    }),
    { numRuns: 60 },
  );
});
