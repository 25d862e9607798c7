import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { TestServer, workbench } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const MB = 2 ** 20;

async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  let ended = false;
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('close', () => {
    ended = true;
  });
  socket.write(text);
  await until(
    () => `the answer ends: ${answer}`,
    () => ended,
  );
  return answer;
}

/** What leaks, or is kept, is there after each round; when the garbage is collected is another matter, and some rounds end just before. */
async function staysFlat(
  t: ExecutionContext,
  server: TestServer,
  work: (round: number) => Promise<void>,
): Promise<void> {
  const grown: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const before = server.rss();
    await work(round);
    grown.push(Math.round((server.rss() - before) / MB));
    if ((grown.at(-1) ?? 0) < 40) break;
  }
  t.true((grown.at(-1) ?? 0) < 40, `grew by ${grown.join(', ')} MB`);
}

test('Host in capitals, with a dot, with a port: the same instance; two, none or too long: 400', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  const ask = (...hosts: string[]) =>
    raw(
      server.port,
      `GET /pid HTTP/1.1\r\n${hosts.map((host) => `Host: ${host}\r\n`).join('')}Connection: close\r\n\r\n`,
    );
  for (const host of [
    'ALICE.App.LOCALHOST',
    'alice.app.localhost.',
    `alice.app.localhost:${server.port}`,
    'alice.app.localhost.:80',
  ]) {
    t.regex(await ask(host), /^HTTP\/1.1 200/, host);
  }
  t.regex(await ask('alice.app.localhost', 'bob.app.localhost'), /^HTTP\/1.1 400/);
  t.regex(await ask(), /^HTTP\/1.1 400/);
  t.regex(await ask(`${'a'.repeat(300)}.app.localhost`), /^HTTP\/1.1 40[04]/);
  t.regex(await ask('app.localhost'), /^HTTP\/1.1 404[\s\S]*tenement-error: no_balance/i);
});

test('10,000 unknown labels: 404 each, no process, no directory, flat memory', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  const ask = async (n: number) => {
    const reply = await server.get(`nobody-${n}.app.localhost`, '/');
    if (reply.status !== 404) t.fail(`nobody-${n}: ${reply.status}`);
  };
  const batch = async (from: number, to: number) => {
    for (let n = from; n < to; n += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => ask(n + i)));
  };
  await batch(0, 2000);
  await staysFlat(t, server, (round) => batch(2000 + round * 8000, 10_000 + round * 8000));
  t.deepEqual(readdirSync(`${server.dataDir}/app`), ['alice']);
  t.is(JSON.parse((await server.ten('ps', '-a', '--json')).stdout).length, 1);
  const token = await import('node:fs').then((fs) =>
    fs.readFileSync(`${server.dataDir}/api_token`, 'utf8').trim(),
  );
  const metrics = await server.get('localhost', '/metrics', {
    headers: { authorization: `Bearer ${token}` },
  });
  t.notRegex(metrics.text, /nobody/);
});

test('200 MB up and down with flat memory', async (t) => {
  const server = await TestServer.start(t, workbench());
  await server.ten('spawn', 'app:alice');
  const total = 200 * MB;
  const down = async (n: number) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`GET /bytes?n=${n} HTTP/1.1\r\nHost: alice.app.localhost\r\nConnection: close\r\n\r\n`);
    let got = 0;
    for await (const chunk of socket) got += chunk.length;
    return got;
  };
  const up = async (n: number) => {
    const socket = connect(server.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    const chunk = Buffer.alloc(MB);
    socket.write(
      `POST /count HTTP/1.1\r\nHost: alice.app.localhost\r\nContent-Length: ${n}\r\nConnection: close\r\n\r\n`,
    );
    for (let left = n; left > 0; left -= MB) {
      if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    await until(
      () => `the app has counted ${n} bytes: ${answer}`,
      () => answer.includes(String(n)),
    );
  };
  await down(20 * MB);
  await up(20 * MB);
  await staysFlat(t, server, async () => {
    t.true((await down(total)) > total);
    await up(total);
  });
});
