import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { controlSocketPath } from '../../../src/base/socket-path.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { runTen, startTen } from '../../helpers/run-ten.js';

/** A server without services in `cwd`. Its process is wrapped, for an async function would wait for its end. */
async function startServer(t: ExecutionContext, cwd: string, dataDir: string) {
  writeFileSync(join(cwd, 'tenement.toml'), `[settings]\ndata_dir = ${JSON.stringify(dataDir)}\n`);
  const server = startTen(['serve', '--host', '127.0.0.1', '-p', '0'], { cwd });
  t.teardown(() => server.kill('SIGKILL'));
  let ended = false;
  void server.then(() => {
    ended = true;
  });
  for (let tries = 0; !existsSync(controlSocketPath(dataDir)); tries += 1) {
    if (ended || tries > 600) throw new Error(`the server did not come up: ${(await server).stderr}`);
    await delay(50);
  }
  return { process: server };
}

test('serve: found by its socket, ends in order on SIGTERM, and is not found any more', async (t) => {
  const cwd = freshDir(t);
  const dataDir = join(cwd, 'data');
  const { process: server } = await startServer(t, cwd, dataDir);
  const ps = await runTen(['ps'], { cwd });
  t.deepEqual(ps, { exitCode: 0, stdout: 'INSTANCE  LISTEN  UPTIME  IDLE  HEALTH  WEIGHT', stderr: '' });
  // A token made beside the running server is known to it at once.
  t.is((await runTen(['token-gen'], { cwd })).exitCode, 0);
  t.is((await runTen(['reload'], { cwd })).stdout, 'Reloaded: nothing changed');
  server.kill('SIGTERM');
  t.is((await server).exitCode, 0);
  t.false(existsSync(controlSocketPath(dataDir)));
});

test('serve: a data directory too deep for a socket address', async (t) => {
  const cwd = freshDir(t);
  const dataDir = join(cwd, 'd'.repeat(120));
  mkdirSync(dataDir);
  t.false(controlSocketPath(dataDir).startsWith(cwd));
  t.teardown(() => rmSync(dirname(controlSocketPath(dataDir)), { recursive: true, force: true }));
  const { process: server } = await startServer(t, cwd, dataDir);
  t.is((await runTen(['ps'], { cwd })).exitCode, 0);
  server.kill('SIGTERM');
  t.is((await server).exitCode, 0);
  t.false(existsSync(controlSocketPath(dataDir)));
});

test('serve: a config with a mistake is told as by check, and nothing is started', async (t) => {
  const cwd = freshDir(t);
  writeFileSync(join(cwd, 'tenement.toml'), '[servce.notes]\n');
  const run = await runTen(['serve', '-p', '0'], { cwd });
  t.is(run.exitCode, 1);
  t.regex(run.stderr, /^error: .*tenement\.toml:1: servce: /m);
  t.false(existsSync(join(cwd, 'tenement-data')));
});
