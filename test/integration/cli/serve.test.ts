import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Client } from '../../../src/api/client.js';
import { controlSocketPath } from '../../../src/base/socket-path.js';
import { socketState } from '../../../src/cli/connect.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { runTen, startTen } from '../../helpers/run-ten.js';
import { until } from '../../helpers/until.js';

/** A server without services in `cwd`. Its process is wrapped, for an async function would wait for its end. */
async function startServer(t: ExecutionContext, cwd: string, dataDir: string) {
  const { process: server } = beginServer(t, cwd, dataDir);
  await untilListens(server, dataDir);
  return { process: server };
}

function beginServer(t: ExecutionContext, cwd: string, dataDir: string) {
  writeFileSync(join(cwd, 'tenement.toml'), `[settings]\ndata_dir = ${JSON.stringify(dataDir)}\n`);
  const server = startTen(['serve', '--host', '127.0.0.1', '-p', '0'], { cwd });
  t.teardown(() => server.kill('SIGKILL'));
  return { process: server };
}

async function untilThere(server: ReturnType<typeof startTen>, path: string, everyMs = 50): Promise<void> {
  let ended = false;
  void server.then(() => {
    ended = true;
  });
  const deadline = performance.now() + 60_000;
  while (!existsSync(path)) {
    if (ended) throw new Error(`the server did not come up: ${(await server).stderr}`);
    if (performance.now() > deadline) throw new Error('the server did not come up in time');
    await delay(everyMs);
  }
}

/** Somebody answers on the socket: its file is there a moment before. */
async function untilListens(server: ReturnType<typeof startTen>, dataDir: string): Promise<void> {
  await untilThere(server, controlSocketPath(dataDir));
  await until('it listens', async () => (await socketState(dataDir)).kind === 'listens');
}

interface AuditRow {
  readonly actor: string;
  readonly action: string;
  readonly outcome: string;
}

async function reloads(dataDir: string): Promise<AuditRow[]> {
  const { AuditList } = await import('../../../src/api/protocol-admin.js');
  const client = new Client({ socketPath: controlSocketPath(dataDir) });
  return (await client.request('GET', '/api/audit', AuditList)).filter(({ action }) => action === 'reload');
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
  t.false(existsSync(dirname(controlSocketPath(dataDir))), 'nothing is left in /run or /tmp');
});

test('serve: SIGHUP while it starts is remembered, and leaves a line in the audit trail', async (t) => {
  const cwd = freshDir(t);
  const dataDir = join(cwd, 'data');
  const { process: server } = beginServer(t, cwd, dataDir);
  // It has the lock, and is still far from listening.
  await untilThere(server, join(dataDir, '.tenement/pid'), 1);
  server.kill('SIGHUP');
  await untilListens(server, dataDir);
  await until('the reload is in the audit trail', async () => (await reloads(dataDir)).length > 0);
  t.like((await reloads(dataDir))[0], { actor: 'signal', action: 'reload', outcome: 'ok' });
  writeFileSync(join(cwd, 'tenement.toml'), 'nonsense = 1\n');
  server.kill('SIGHUP');
  await until('the failed reload, too', async () => (await reloads(dataDir)).length === 2);
  t.like((await reloads(dataDir))[0], { actor: 'signal', outcome: 'failed' });
  server.kill('SIGTERM');
  t.is((await server).exitCode, 0);
});

test('serve: SIGTERM while it starts ends it in order', async (t) => {
  const cwd = freshDir(t);
  const dataDir = join(cwd, 'data');
  const { process: server } = beginServer(t, cwd, dataDir);
  await untilThere(server, join(dataDir, '.tenement/pid'), 1);
  server.kill('SIGTERM');
  const { exitCode, signal } = await server;
  t.deepEqual([exitCode, signal], [0, undefined]);
  t.false(existsSync(join(dataDir, '.tenement/pid')), 'the lock was given back');
});

test('serve: goes on when nobody reads its output, and still ends in order', async (t) => {
  const cwd = freshDir(t);
  const dataDir = join(cwd, 'data');
  const { process: server } = beginServer(t, cwd, dataDir);
  // Before it has written anything.
  server.stdout.destroy();
  server.stderr.destroy();
  await untilListens(server, dataDir);
  // Writes to its log, too.
  server.kill('SIGHUP');
  await until('it reloads', async () => (await reloads(dataDir)).length === 1);
  t.is((await runTen(['ps'], { cwd })).exitCode, 0);
  server.kill('SIGTERM');
  const { exitCode } = await server;
  t.is(exitCode, 0);
  t.false(existsSync(controlSocketPath(dataDir)), 'it has closed its socket');
});

test('serve: the domain is checked before anything is made', async (t) => {
  const cwd = freshDir(t);
  writeFileSync(join(cwd, 'tenement.toml'), '');
  for (const domain of ['bad domain', 'http://x', '-x', 'a..b', '', '127.0.0.1']) {
    const run = await runTen(['serve', '-p', '0', `--domain=${domain}`], { cwd });
    t.is(run.exitCode, 2, domain);
  }
  t.false(existsSync(join(cwd, 'tenement-data')));
});

test('serve: a config with a mistake is told as by check, and nothing is started', async (t) => {
  const cwd = freshDir(t);
  writeFileSync(join(cwd, 'tenement.toml'), '[servce.notes]\n');
  const run = await runTen(['serve', '-p', '0'], { cwd });
  t.is(run.exitCode, 1);
  t.regex(run.stderr, /^error: .*tenement\.toml:1: servce: /m);
  t.false(existsSync(join(cwd, 'tenement-data')));
});
