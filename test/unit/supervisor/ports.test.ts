import { createServer, type Server } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { Ports } from '../../../src/supervisor/ports.js';
import { freePorts } from '../../helpers/free-port.js';

/** The first of a few neighbouring ports that nobody uses, nor will meanwhile. */
async function freeRange(count: number): Promise<number> {
  for (;;) {
    const [first] = await freePorts(count);
    const ports = new Ports([first, first + count - 1], first);
    const all = await Promise.all(Array.from({ length: count }, () => ports.allocate())).catch(
      () => undefined,
    );
    if (all !== undefined) return first;
  }
}

function listen(t: ExecutionContext, port: number, host: string): Promise<Server> {
  const server = createServer();
  t.teardown(() => new Promise((resolve) => server.close(() => resolve())));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, ipv6Only: true }, () => resolve(server));
  });
}

test.serial('concurrent calls get different ports, and the last one an error', async (t) => {
  const first = await freeRange(4);
  const ports = new Ports([first, first + 3]);
  const got = await Promise.all([1, 2, 3, 4].map(() => ports.allocate()));
  t.deepEqual([...got].sort(), [first, first + 1, first + 2, first + 3]);
  await t.throwsAsync(ports.allocate(), {
    code: 'ports_exhausted',
    message: new RegExp(`from ${first} to ${first + 3}`),
  });
});

test.serial('a port just released is the last to come again', async (t) => {
  const first = await freeRange(3);
  const ports = new Ports([first, first + 2], first);
  t.is(await ports.allocate(), first);
  ports.release(first);
  t.is(await ports.allocate(), first + 1);
  t.is(await ports.allocate(), first + 2);
  t.is(await ports.allocate(), first);
});

for (const host of ['127.0.0.1', '0.0.0.0', '::', '::1']) {
  test.serial(`a port that another program has on ${host} is passed over`, async (t) => {
    const first = await freeRange(2);
    try {
      await listen(t, first, host);
    } catch {
      t.log(`skipped: cannot listen on ${host} here`);
      return t.pass();
    }
    const ports = new Ports([first, first + 1], first);
    t.is(await ports.allocate(), first + 1);
    await t.throwsAsync(ports.allocate(), { code: 'ports_exhausted' });
  });
}

test.serial('a reserved port is not handed out until it is released', async (t) => {
  const first = await freeRange(1);
  const ports = new Ports([first, first]);
  t.true(ports.reserve(first));
  t.false(ports.reserve(first));
  await t.throwsAsync(ports.allocate(), { code: 'ports_exhausted' });
  ports.release(first);
  t.is(await ports.allocate(), first);
});

test.serial(
  'when the range has run out room is made once for all who ask, as often as there is somebody',
  async (t) => {
    const first = await freeRange(3);
    const squatters = [await listen(t, first, '127.0.0.1'), await listen(t, first + 1, '127.0.0.1')];
    const asked: string[] = [];
    const ports: Ports = new Ports([first, first + 1], first, async (range) => {
      asked.push(range.join());
      const one = squatters.pop();
      await new Promise<void>((resolve) => (one === undefined ? resolve() : one.close(() => resolve())));
      return one !== undefined;
    });
    const got = await Promise.all([ports.allocate(), ports.allocate()]);
    t.deepEqual(got.sort(), [first, first + 1]);
    t.deepEqual(asked, [`${first},${first + 1}`, `${first},${first + 1}`]);
    await t.throwsAsync(ports.allocate(), { code: 'ports_exhausted', message: /by instances$/ });
  },
);

test.serial('who holds ports that no instance has is to be found with ss', async (t) => {
  const first = await freeRange(1);
  await listen(t, first, '127.0.0.1');
  const error = await t.throwsAsync(new Ports([first, first]).allocate(), { instanceOf: TenementError });
  t.regex(error.message, /0 by instances, the others by other programs/);
  t.regex(error.hint ?? '', /ss -ltnp/);
});
