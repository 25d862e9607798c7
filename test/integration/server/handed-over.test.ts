import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { send, TEN } from '../../helpers/example-server.js';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { processesUnder } from '../../helpers/left-processes.js';
import { ownPorts, withPorts } from '../../helpers/own-ports.js';
import { workbench } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

test('a socket that systemd has opened is served, and logged to standard output', async (t) => {
  const directory = freshDir(t);
  mkdirSync(join(directory, 'work'));
  const log = '[settings.proxy]\naccess_log = "stdout"\naccess_log_format = "combined"\n';
  const toml = `${log}${workbench()}\n[instances]\napp = ["alice"]\n`;
  writeFileSync(join(directory, 'tenement.toml'), withPorts(toml, await ownPorts()));
  const opened = createServer().listen(0, '127.0.0.1');
  await once(opened, 'listening');
  const { port } = addressOf(opened);
  const { fd } = (opened as unknown as { _handle: { fd: number } })._handle;
  // As systemd does: the socket is fd 3, and LISTEN_PID is the pid of who is to have it.
  const script = 'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http; exec "$@"';
  const server = spawn('/bin/sh', ['-c', script, 'sh', TEN[0], TEN[1], 'serve'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe', fd],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: '' },
  });
  let output = '';
  for (const stream of [server.stdout, server.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(server, 'close');
  t.teardown(async () => {
    if (server.exitCode === null) server.kill('SIGTERM');
    await ended;
    const left = processesUnder(directory);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    if (left.length > 0) throw new Error(`processes were left behind: ${left.join(', ')}; ${output}`);
  });
  opened.close();
  await until(
    () => `the server answers: ${output}`,
    async () => (await send(port, 'localhost', '/health').catch(() => undefined))?.status === 200,
  );
  t.is((await send(port, 'alice.app.localhost', '/health?x=1')).status, 200);
  // An app gets neither the socket nor the variables.
  const { text: pid } = await send(port, 'alice.app.localhost', '/pid');
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
  t.false(environment.includes('LISTEN_FDS'));
  server.kill('SIGTERM');
  t.deepEqual(await ended, [0, null], output);
  t.regex(output, /127\.0\.0\.1 - - \[[^\]]+\] "GET \/health\?x=1 HTTP\/1\.1" 200 /);
});
