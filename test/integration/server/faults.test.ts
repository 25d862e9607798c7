import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Reply } from '../../helpers/example-server.js';
import { alive, fixture, nodeCommand, TestServer, workbench } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const host = 'alice.app.localhost';
const service = (command: string, lines = '', env = '') =>
  `[settings]\nbackoff_base_ms = 200\nrestart_window = 4\n[service.app]\n${command}\nworkdir = "work"\nisolation = "process"\nhealth = "/"\n${lines}\n${env}`;

/** Asks until the answer carries that code. */
async function untilError(server: TestServer, code: string): Promise<Reply> {
  let last: Reply | undefined;
  await until(
    () => `an answer has ${code}: ${server.output}`,
    async () => {
      last = await server.get(host, '/');
      return last.headers['tenement-error'] === code;
    },
  );
  if (last === undefined) throw new Error('nothing was asked');
  return last;
}

test('a command that does not exist: 502 at once, spawn exits 1 with the reason, and a repair needs no operator', async (t) => {
  const server = await TestServer.start(t, service('command = "./not-there"'));
  const spawned = await server.ten('spawn', 'app:alice');
  t.is(spawned.exitCode, 1);
  t.regex(spawned.stderr, /not-there/);
  const reply = await server.get(host, '/');
  t.is(reply.status, 502);
  t.is(reply.headers['tenement-error'], 'start_failed');
  t.notRegex(reply.text, /not-there/, 'causes are not for visitors');
  t.regex(
    (await server.ten('logs', 'app:alice')).stdout,
    /tenement .*not-there/,
    'the operator finds it in the logs',
  );
  const program = join(server.directory, 'work', 'not-there');
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${fixture('listen.mjs')}\n`);
  chmodSync(program, 0o755);
  await until('the next requests work', async () => (await server.get(host, '/')).status === 200);
});

test('an app that exits at once ends every wait at once, with its last lines in the logs', async (t) => {
  const server = await TestServer.start(
    t,
    // However many starts the requests make of it that come one after the other on a slow machine.
    service(nodeCommand('exit-at-once.mjs')).replace('[settings]', '[settings]\nmax_restarts = 100'),
  );
  const spawned = await server.ten('spawn', 'app:alice');
  t.is(spawned.exitCode, 1);
  t.regex(spawned.stderr, /exited with code 3/);
  const replies = await Promise.all(Array.from({ length: 20 }, () => server.get(host, '/')));
  t.true(replies.every((reply) => reply.status === 502));
  t.regex((await server.ten('logs', 'app:alice')).stdout, /cannot open the database/);
});

test('too many deaths: failed, a clear 503 with Retry-After, and it recovers by itself after the window', async (t) => {
  const flag = 'FAIL_FLAG = "{data_dir}/app/{id}/broken"';
  const server = await TestServer.start(
    t,
    // A window in which a slow machine, too, has four deaths.
    service('command = "sh app.sh"', '', `[service.app.env]\n${flag}\n`).replace(
      'restart_window = 4',
      'restart_window = 10',
    ),
  );
  writeFileSync(
    join(server.directory, 'work', 'app.sh'),
    `test -e ../fixed || exit 1\nexec ${process.execPath} ${fixture('listen.mjs')}\n`,
  );
  await server.ten('spawn', 'app:alice');
  const failed = await untilError(server, 'failed');
  t.is(failed.status, 503);
  t.true(Number(failed.headers['retry-after']) > 0);
  writeFileSync(join(server.directory, 'fixed'), '');
  await until('it recovers after the window', async () => (await server.get(host, '/')).status === 200);
});

test('an app that listens late is waited for; one that never listens gets 504 and is gone', async (t) => {
  const late = await TestServer.start(t, service(nodeCommand('listen-late.mjs')));
  t.is((await late.ten('spawn', 'app:alice')).exitCode, 0);
  const never = await TestServer.start(t, service(nodeCommand('never-listens.mjs'), 'startup_timeout = 1'));
  const spawned = await never.ten('spawn', 'app:alice');
  t.is(spawned.exitCode, 1);
  const reply = await never.get(host, '/');
  t.is(reply.status, 504);
  t.is(reply.headers['tenement-error'], 'start_timeout');
});

test('an app that answers 503 on its health path for a while is not ready until then', async (t) => {
  const server = await TestServer.start(t, service(nodeCommand('unhealthy-at-first.mjs')));
  t.is((await server.ten('spawn', 'app:alice')).exitCode, 0);
  t.is((await server.get(host, '/')).status, 200);
});

test('a redirect is not health, and the message says where it points', async (t) => {
  const server = await TestServer.start(
    t,
    // Long enough for a busy machine to get it to answer once.
    service(`command = "${process.execPath} app.mjs"`, 'startup_timeout = 15'),
  );
  writeFileSync(
    join(server.directory, 'work', 'app.mjs'),
    `import http from 'node:http';\nhttp.createServer((q, s) => s.writeHead(302, { location: '/login' }).end()).listen(process.env.PORT, '127.0.0.1');\n`,
  );
  const spawned = await server.ten('spawn', 'app:alice');
  t.is(spawned.exitCode, 1);
  t.regex(spawned.stderr, /302.*\/login/);
});

test('an app that answers 200 and then dies over and over ends as failed, not in a loop', async (t) => {
  const server = await TestServer.start(
    t,
    service(nodeCommand('healthy-then-dies.mjs')).replace('restart_window = 4', 'restart_window = 60'),
  );
  await server.ten('spawn', 'app:alice');
  await untilError(server, 'failed');
  t.is(await server.health('app:alice'), 'failed');
  // A broken connection has a living process looked at, which is no start of one.
  const lines = server.output.split('\n').filter((line) => line.includes('-> starting'));
  const starts = lines.filter((line) => !line.includes('a connection to it broke')).length;
  t.true(starts <= 5, `${starts} starts`);
});

test('an app that ignores TERM is killed after stop_timeout, with everything it forked', async (t) => {
  const ignoring = await TestServer.start(t, service(nodeCommand('ignore-term.mjs'), 'stop_timeout = 1'));
  await ignoring.ten('spawn', 'app:alice');
  const pid = Number((await ignoring.get(host, '/')).text);
  t.is((await ignoring.ten('stop', 'app:alice')).exitCode, 0);
  t.false(alive(pid));

  const forking = await TestServer.start(
    t,
    service(nodeCommand('fork-setsid.mjs'), '', '[service.app.env]\nPID_FILE = "{data_dir}/app/{id}/pid"\n'),
  );
  await forking.ten('spawn', 'app:alice');
  const grandchild = Number(readFileSync(join(forking.dataDir, 'app', 'alice', 'pid'), 'utf8'));
  t.true(alive(grandchild));
  t.is((await forking.ten('stop', 'app:alice')).exitCode, 0);
  t.false(alive(grandchild));
});

test('a stranger on the port is never proxied to', async (t) => {
  // At its first start the app does not listen itself: its port is taken by a process that is not of its tree.
  const server = await TestServer.start(t, service('command = "sh app.sh"', 'startup_timeout = 60'));
  const { spawn } = await import('node:child_process');
  writeFileSync(
    join(server.directory, 'work', 'app.sh'),
    `[ -e ../port ] && exec ${process.execPath} ${fixture('listen.mjs')}
echo $PORT > ../port.new && mv ../port.new ../port
exec sleep 60
`,
  );
  const spawned = server.ten('spawn', 'app:alice');
  const file = join(server.directory, 'port');
  await until('the app has told its port', () => existsSync(file));
  const stranger = spawn(process.execPath, [fixture('listen.mjs')], {
    env: { PORT: readFileSync(file, 'utf8').trim() },
    stdio: 'ignore',
  });
  t.teardown(() => stranger.kill('SIGKILL'));
  const result = await spawned;
  if (process.platform !== 'linux') {
    t.log('skipped: only Linux tells who owns a listening socket');
    t.pass();
    return;
  }
  t.is(result.exitCode, 0, `${result.stderr} ${server.output}`);
  t.regex(server.output, /Another program listens on port/);
  const answer = (await server.get(host, '/')).text.trim();
  t.regex(answer, /^\d+$/);
  t.not(answer, String(stranger.pid), 'it is the app that answers, on another port');
});

test('a single-threaded app is busy, not ill, while an upload lasts many health checks', async (t) => {
  const server = await TestServer.start(
    t,
    `[settings]\nhealth_check_interval = 0.3\n[service.app]\ncommand = "python3 app.py"\nworkdir = "work"\nisolation = "process"\nhealth = "/health"\nhealth_timeout = 2\n`,
  );
  writeFileSync(
    join(server.directory, 'work', 'app.py'),
    `
import http.server, os
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(str(os.getpid()).encode())
    def do_POST(self):
        self.rfile.read(int(self.headers['content-length'])); self.do_GET()
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), App).serve_forever()
`,
  );
  await server.ten('spawn', 'app:alice');
  const pid = (await server.get(host, '/')).text;
  const { connect } = await import('node:net');
  const socket = connect(server.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 20\r\nConnection: close\r\n\r\n`);
  // Longer than three checks that get no answer, which each take interval and timeout. They last long enough for an app that stands still.
  for (let i = 0; i < 20; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 450));
    socket.write('x');
  }
  await until(
    () => `the upload is answered by the same process: ${answer}`,
    () => answer.includes('200') && answer.includes(`\r\n${pid}\r\n`),
  );
  t.is((await server.get(host, '/')).text, pid);
});

test('an isolation that this machine cannot give is refused at use, and nothing is created', async (t) => {
  const server = await TestServer.start(
    t,
    workbench().replace('isolation = "process"', 'isolation = "systemd"'),
  );
  const spawned = await server.ten('spawn', 'app:alice');
  t.is(spawned.exitCode, 1);
  t.regex(spawned.stderr, /isolation/);
  t.false(existsSync(join(server.dataDir, 'app')));
});
