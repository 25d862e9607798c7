import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { LogEntry } from '../../../src/logs/types.js';
import { type CliServer, startCliServer } from '../../helpers/cli-server.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { startTen } from '../../helpers/run-ten.js';

function entry(server: CliServer, more: Partial<LogEntry>): LogEntry {
  return {
    service: 'notes',
    id: 'alice',
    stream: 'stdout',
    at: server.clock.now(),
    message: 'hello',
    ...more,
  };
}

test('lines carry time, instance and stream; every filter works', async (t) => {
  const server = await startCliServer(t);
  const { ten, logs, clock } = server;
  logs.add(entry(server, { message: 'one' }));
  logs.add(entry(server, { message: 'two', stream: 'stderr' }));
  logs.add(entry(server, { message: 'three', id: 'bob' }));
  logs.add(entry(server, { message: 'four', service: 'shop' }));
  const time = new Date(clock.now()).toISOString();
  const messages = async (...args: string[]) => {
    const run = await ten(['logs', ...args]);
    t.is(run.exitCode, 0, run.stderr);
    return run.stdout.split('\n').map((line) => line.split(' ').at(-1));
  };
  t.is((await ten(['logs', 'notes:alice', '--stream', 'stderr'])).stdout, `${time} notes:alice stderr two`);
  t.deepEqual(await messages(), ['one', 'two', 'three', 'four']);
  t.deepEqual(await messages('notes'), ['one', 'two', 'three']);
  t.deepEqual(await messages('notes', '--id', 'bob'), ['three']);
  t.deepEqual(await messages('--level', 'stderr'), ['two']);
  t.deepEqual(await messages('--search', 'HRE'), ['three']);
  t.deepEqual(await messages('-n', '1', 'notes'), ['three']);
  t.deepEqual(await messages('--limit=2'), ['three', 'four']);
  t.deepEqual(await messages('--since', '1h'), ['one', 'two', 'three', 'four']);
  t.deepEqual(await messages('--since', '2100-01-01T00:00:00Z'), ['']);
  const list = JSON.parse((await ten(['logs', '--json'])).stdout);
  t.deepEqual(list[0], {
    timestamp: time,
    level: 'stdout',
    process: 'notes',
    instance_id: 'alice',
    message: 'one',
  });
});

test('-f prints what is there, then what comes', async (t) => {
  const server = await startCliServer(t);
  server.logs.add(entry(server, { message: 'before' }));
  const ten = startTen(['logs', 'notes:alice', '-f', '--json'], {
    cwd: server.dataDir,
    env: { TENEMENT_DATA_DIR: server.dataDir },
  });
  t.teardown(() => ten.kill('SIGKILL'));
  const seen: string[] = [];
  for await (const line of ten) {
    seen.push(JSON.parse(String(line)).message);
    if (seen.length === 1) {
      server.logs.add(entry(server, { message: 'after' }));
      server.logs.add(entry(server, { message: 'of bob', id: 'bob' }));
      server.logs.add(entry(server, { message: 'last' }));
    }
    // The iteration ends with the process.
    if (seen.length === 3) ten.kill('SIGINT');
  }
  t.deepEqual(seen, ['before', 'after', 'last']);
});

test('a reader that has enough ends it quietly', async (t) => {
  const server = await startCliServer(t);
  // More than the pipe and the reader's buffer hold.
  for (let i = 0; i < 2000; i += 1) server.logs.add(entry(server, { message: 'x'.repeat(500) }));
  const ten = startTen(['logs', '-n', '2000'], {
    cwd: server.dataDir,
    env: { TENEMENT_DATA_DIR: server.dataDir },
  });
  ten.stdout.once('data', () => ten.stdout.destroy());
  const { exitCode, stderr } = await ten;
  t.is(exitCode, 0);
  t.is(stderr, '');
});

/** A stream endpoint that a test can break; answers each connection by `onStream`. */
async function startStream(
  t: ExecutionContext,
  onStream: (nth: number, url: URL, res: ServerResponse) => void,
): Promise<string> {
  let count = 0;
  const server = createServer((req: IncomingMessage, res) => {
    const url = new URL(req.url ?? '/', 'http://x');
    if (url.pathname === '/health') return void res.end('{"status":"ok"}');
    count += 1;
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    onStream(count, url, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('-f goes on where it was when the server comes back', async (t) => {
  const event = (message: string, timestamp = '2026-01-01T00:00:01.000Z') =>
    `data: ${JSON.stringify({ timestamp, level: 'stdout', process: 'notes', instance_id: 'alice', message })}\n\n`;
  const resumed: (string | null)[] = [];
  const url = await startStream(t, (nth, { searchParams }, res) => {
    if (nth === 1) {
      res.write(event('one'), () => res.destroy());
    } else {
      resumed.push(searchParams.get('since'));
      res.write(event('one') + event('two'));
    }
  });
  const ten = startTen(['logs', '-f', '--json', '--server', url], { cwd: freshDir(t) });
  t.teardown(() => ten.kill('SIGKILL'));
  const seen: string[] = [];
  for await (const line of ten) {
    seen.push(JSON.parse(String(line)).message);
    if (seen.length === 2) ten.kill('SIGINT');
  }
  t.deepEqual(seen, ['one', 'two']);
  t.deepEqual(resumed, ['2026-01-01T00:00:01.000Z']);
});

test('-f without any server is an error at once', async (t) => {
  const run = await startTen(['logs', '-f', '--server', 'http://127.0.0.1:1'], { cwd: freshDir(t) });
  t.is(run.exitCode, 1);
  t.regex(String(run.stderr), /^error: No server answers/);
});
