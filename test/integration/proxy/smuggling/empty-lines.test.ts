import test from 'ava';
import { statusOf } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: empty lines without end before a request keep a connection busy past every limit; bare ones hide where it begins.

const bench = proxyBench(test);
const GET = `GET /first HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;

test.serial('one is skipped', async (t) => {
  bench.upstream.begin((request) => request.answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  const client = bench.connect();
  await client.sendCut(`\r\n${GET}`, [1, 2, 3]);
  t.is((await client.response()).final.body, 'ok');
  await bench.settle(t);
});

for (const [name, bytes] of [
  ['70 KB of them', '\r\n'.repeat(35_000)],
  ['bare LF', '\n'],
  ['bare CR', '\r'],
  ['LF CR', '\n\r'],
  ['a blank', ' \r\n'],
] as const) {
  test.serial(`${name}: refused`, async (t) => {
    bench.upstream.begin((request) => request.answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const client = bench.connect().send(bytes + GET);
    t.true([400, 431].includes(statusOf((await client.response()).final)));
    t.is(await client.end(), '');
    t.is(bench.upstream.seen.length, 0);
    await bench.settle(t);
  });
}
