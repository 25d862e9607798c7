import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { silentLog } from '../../../src/base/log.js';
import { createProxy } from '../../../src/proxy/server.js';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { startApp, startProxy } from '../../helpers/proxy-fixture.js';
import { exchange, RawClient } from '../../helpers/raw-http.js';
import { haveTools } from '../../helpers/require-tool.js';

const HOST = 'Host: a.app.test\r\n';

const PYTHON = `
from http.server import BaseHTTPRequestHandler, HTTPServer
class App(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'no length, ' + str(self.headers.get_all('X-Forwarded-For')).encode())
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(201)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
server = HTTPServer(('127.0.0.1', 0), App)
print(server.server_port, flush=True)
server.serve_forever()
`;

test('a single-threaded HTTP/1.0 app: many clients at once, kept connections, Expect', async (t) => {
  if (!haveTools(t, 'python3')) return;
  const app = spawn('python3', ['-c', PYTHON], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => app.kill('SIGKILL'));
  const [line] = await once(app.stdout, 'data');
  const { port, upstreams } = await startProxy(t);
  upstreams.address = () => ({ host: '127.0.0.1', port: Number(String(line)) });
  const get = `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
  const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(port, get)));
  for (const answer of answers)
    t.regex(answer, /^HTTP\/1\.1 200 OK[\s\S]*no length, \['127\.0\.0\.1'\]\r\n0\r\n\r\n$/);
  const kept = new RawClient(port);
  kept.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  await kept.until(/no length/);
  // This client waits for nothing between two requests and never closes; the app has to be free all the same.
  const body = 'x'.repeat(100_000);
  const post = `POST / HTTP/1.1\r\n${HOST}Connection: close\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`;
  const answer = await exchange(port, post + body);
  t.regex(answer, /^HTTP\/1\.1 201 Created/);
  t.true(answer.endsWith(body));
  kept.socket.destroy();
});

test('an app on a Unix socket', async (t) => {
  const path = join(freshDir(t), 'app.sock');
  const app = createServer((req, res) => res.end(`unix ${req.headers.host}`));
  await new Promise<void>((done) => app.listen(path, done));
  t.teardown(() => app.close());
  const { port, upstreams } = await startProxy(t);
  upstreams.address = () => ({ path });
  const answer = await exchange(port, `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
  t.regex(answer, /^HTTP\/1\.1 200 [\s\S]*unix a\.app\.test/);
});

test('IPv6, with brackets, beside IPv4', async (t) => {
  const { upstreams } = await startProxy(t);
  const own = await startApp(t, (req, res) => res.end(`own ${req.headers['x-tenement-client']}`));
  const proxy = createProxy({
    upstreams,
    table: () => ({ domain: 'test', services: new Map(), subdomain: new Map(), path: [] }),
    own: () => addressOf(own),
    log: silentLog,
    trustedProxies: () => [],
    onRequestEnd: () => {},
  });
  t.teardown(() => proxy.close({ graceMs: 0 }));
  let bound: readonly { host: string; port: number }[];
  try {
    bound = await proxy.listen([
      { host: '[::1]', port: 0 },
      { host: '127.0.0.1', port: 0 },
    ]);
  } catch (error) {
    t.log(`skipped: no IPv6 on loopback (${error})`);
    t.pass();
    return;
  }
  t.deepEqual(
    bound.map(({ host }) => host),
    ['[::1]', '127.0.0.1'],
  );
  const client = new RawClient(bound[0]?.port ?? 0, '::1');
  client.write('GET / HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n');
  t.regex(await client.end(), /own ::1$/);
});
