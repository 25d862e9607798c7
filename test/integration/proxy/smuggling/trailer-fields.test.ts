import test from 'ava';
import { statusOf } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: frameworks merge trailers into the header. A trailer that frames, routes, authenticates or names the client would
// speak after the proxy has checked all that (RFC 9110 6.5.1).

const bench = proxyBench(test);

const NEVER = [
  'Transfer-Encoding: chunked',
  'Content-Length: 5',
  'Host: b.app.test',
  'Connection: close',
  'Keep-Alive: timeout=1',
  'Upgrade: websocket',
  'TE: trailers',
  'Trailer: X-A',
  'Authorization: Bearer stolen',
  'Cookie: session=stolen',
  'Content-Type: text/html',
  'Content-Encoding: gzip',
  'Expect: 100-continue',
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-Host: b.app.test',
  'X_Forwarded_For: 192.0.2.1',
  'Forwarded: for=192.0.2.1',
  'X-Request-Id: mine',
];

for (const line of NEVER) {
  test.serial(`${line}: dropped or refused`, async (t) => {
    bench.upstream.begin((request) => request.answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const client = bench.connect();
    client.send(
      `POST / HTTP/1.1\r\n${HOST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Good: 1\r\n${line}\r\n\r\n`,
    );
    const status = statusOf((await client.response()).final);
    t.true(status === 200 || status === 400, `${status}`);
    const [request] = bench.upstream.seen;
    if (status === 200) {
      t.is(request?.message?.body, 'hello');
      t.deepEqual(request?.message?.trailers, [['X-Good', '1']]);
    } else t.is(request?.message, undefined);
    await bench.settle(t);
  });
}
