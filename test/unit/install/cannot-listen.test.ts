/** Who has the address that systemd could not listen on. */
import { createServer } from 'node:net';
import test from 'ava';
import { cannotListen, takenOf } from '../../../src/install/cannot-listen.js';

const line = (local: string, by = 'users:(("python3",pid=812,fd=3))') =>
  `LISTEN 0      5      ${local}   0.0.0.0:*    ${by}`;

for (const [title, listens, local, address] of [
  ['the address itself', ['127.0.0.1:8080'], '127.0.0.1:8080', '127.0.0.1:8080'],
  ['one of all addresses', ['127.0.0.1:8080', '[::1]:8080'], '0.0.0.0:8080', '127.0.0.1:8080'],
  ['one of all addresses of both families', ['[::1]:8080'], '*:8080', '[::1]:8080'],
  ['a single one of those that are wanted', ['0.0.0.0:8080'], '192.0.2.1%eth0:8080', '0.0.0.0:8080'],
] as const) {
  test(`who has it: ${title}`, (t) => {
    t.deepEqual(takenOf(listens, line(local)), [{ address, by: 'python3 (pid 812)' }]);
  });
}

test("other ports, other addresses and other families are in nobody's way", (t) => {
  const table = [line('127.0.0.1:8081'), line('127.0.0.2:8080'), line('[::]:8080')].join('\n');
  t.deepEqual(takenOf(['127.0.0.1:8080', 'unix:/run/a'], table), []);
  t.deepEqual(takenOf(['127.0.0.1:8080'], ''), []);
});

test('one that shows no process is told without it', (t) => {
  t.deepEqual(takenOf(['127.0.0.1:8080'], line('127.0.0.1:8080', '')), [
    { address: '127.0.0.1:8080', by: undefined },
  ]);
});

test('the error names the address and what to do, also where nobody has it', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const bound = server.address();
  const address = `127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`;
  const taken = await cannotListen([address], 'Job failed');
  const { message, hint } = await cannotListen(['192.0.2.1:1'], 'Job failed');
  t.true(taken.message.includes(address));
  t.regex(taken.hint ?? '', /ss -ltnp|journalctl/);
  t.regex(message, /192\.0\.2\.1:1: Job failed/);
  t.regex(hint ?? '', /journalctl -u tenement\.socket/);
});
