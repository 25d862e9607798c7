import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createConnection } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { controlSocketPath } from '../../../src/base/socket-path.js';
import { startCliServer } from '../../helpers/cli-server.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { runTen } from '../../helpers/run-ten.js';

const AWAKE = /^INSTANCE +LISTEN +UPTIME +IDLE +HEALTH +WEIGHT\nnotes:alice /;

/** Whether something else on this machine listens where the CLI looks last. */
async function port8080Taken(): Promise<boolean> {
  const socket = createConnection({ host: 'localhost', port: 8080 });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test('the socket of the data directory needs no token: by flag, by environment, by config', async (t) => {
  const { dataDir } = await startCliServer(t);
  const cwd = freshDir(t);
  t.regex((await runTen(['--data-dir', dataDir, 'ps'], { cwd })).stdout, AWAKE);
  t.regex((await runTen(['ps', '--data-dir', dataDir], { cwd })).stdout, AWAKE);
  t.regex((await runTen(['ps'], { cwd, env: { TENEMENT_DATA_DIR: dataDir } })).stdout, AWAKE);
  writeFileSync(join(cwd, 'tenement.toml'), `[settings]\ndata_dir = "${dataDir}"\n`);
  const below = join(cwd, 'a/b');
  mkdirSync(below, { recursive: true });
  t.regex((await runTen(['ps'], { cwd: below })).stdout, AWAKE);
  t.regex((await runTen(['ps', '--config', join(cwd, 'tenement.toml')], { cwd: freshDir(t) })).stdout, AWAKE);
});

test('a config with a mistake in it does not hide the server that runs', async (t) => {
  const { dataDir } = await startCliServer(t);
  const cwd = freshDir(t);
  writeFileSync(join(cwd, 'tenement.toml'), `[settings]\ndata_dir = "${dataDir}"\nunknown = 1\n`);
  t.regex((await runTen(['ps'], { cwd })).stdout, AWAKE);
});

test('a config that others can write is refused, also for finding the server', async (t) => {
  const { dataDir } = await startCliServer(t);
  const cwd = freshDir(t);
  writeFileSync(join(cwd, 'tenement.toml'), `[settings]\ndata_dir = "${dataDir}"\n`);
  chmodSync(join(cwd, 'tenement.toml'), 0o666);
  const run = await runTen(['ps'], { cwd });
  t.is(run.exitCode, 1);
  t.regex(run.stderr, /^error: .*not safe/);
});

test('a server by URL: token from the flag, the environment, the file, in this order', async (t) => {
  const { url, token } = await startCliServer(t);
  const good = token({ kind: 'admin' });
  const cwd = freshDir(t);
  const data = freshDir(t);
  writeFileSync(join(data, 'api_token'), `${good}\n`);
  const ps = (args: string[], env: Record<string, string>) => runTen(['ps', ...args], { cwd, env });
  t.regex((await ps(['--server', url, '--token', good], { TENEMENT_TOKEN: 'ten_bad' })).stdout, AWAKE);
  t.regex((await ps([], { TENEMENT_SERVER: url, TENEMENT_TOKEN: good })).stdout, AWAKE);
  t.regex((await ps(['--data-dir', data], { TENEMENT_SERVER: url })).stdout, AWAKE);
  t.regex((await ps(['--server', url.replace('http://', '')], { TENEMENT_DATA_DIR: data })).stdout, AWAKE);
});

test('a wrong token and no token are refused, and the token is not repeated', async (t) => {
  const { url } = await startCliServer(t);
  const cwd = freshDir(t);
  for (const env of [{ TENEMENT_TOKEN: 'ten_00000000_secret' }, {}]) {
    const run = await runTen(['ps', '--server', url], { cwd, env });
    t.is(run.exitCode, 1);
    t.regex(run.stderr, /^error: .*token.*\ntry: /i);
    t.false(run.stderr.includes('secret'));
  }
});

test('a token with characters that no header takes is wrong usage and stays secret', async (t) => {
  const run = await runTen(['ps', '--server', 'http://127.0.0.1:1', '--token', 'se\ncret'], {
    cwd: freshDir(t),
  });
  t.is(run.exitCode, 2);
  t.false(run.stderr.includes('cret'));
});

test('no server: says what was tried and how to start one', async (t) => {
  if (await port8080Taken()) {
    t.log('skipped: something listens on port 8080');
    t.pass();
    return;
  }
  const dataDir = freshDir(t);
  const none = await runTen(['ps', '--data-dir', dataDir], { cwd: dataDir });
  t.is(none.exitCode, 1);
  t.true(none.stderr.includes(controlSocketPath(dataDir)));
  t.true(none.stderr.includes('http://localhost:8080'));
  t.regex(none.stderr, /\ntry: `ten serve`/);
});

test('a socket file that a killed server left is no server', async (t) => {
  if (await port8080Taken()) {
    t.log('skipped: something listens on port 8080');
    t.pass();
    return;
  }
  const dataDir = freshDir(t);
  const path = controlSocketPath(dataDir);
  mkdirSync(join(dataDir, '.tenement'), { mode: 0o700 });
  // Killed, so that nothing removes the file.
  await execa(
    process.execPath,
    [
      '-e',
      `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`,
      path,
    ],
    { reject: false },
  );
  const run = await runTen(['ps', '--data-dir', dataDir], { cwd: dataDir });
  t.is(run.exitCode, 1);
  t.true(run.stderr.includes(`${path} (nobody listens)`), run.stderr);
});

test('an unreachable URL names the URL without its password', async (t) => {
  const run = await runTen(['ps', '--server', 'http://me:hunter2@127.0.0.1:1/base'], { cwd: freshDir(t) });
  t.is(run.exitCode, 1);
  t.regex(
    run.stderr,
    /^error: No server answers at http:\/\/127\.0\.0\.1:1\/base: the connection was refused/,
  );
  t.false(run.stderr.includes('hunter2'));
});

async function startStranger(t: ExecutionContext, status: number, body: string): Promise<string> {
  const server = createServer((_, res) => res.writeHead(status).end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('something else that answers is not taken for a server', async (t) => {
  for (const [status, body] of [
    [404, '<html>nginx</html>'],
    [200, '<html>hello</html>'],
    [502, '{"error":"text"}'],
  ] as const) {
    const run = await runTen(['ps', '--server', await startStranger(t, status, body)], { cwd: freshDir(t) });
    t.is(run.exitCode, 1);
    t.regex(run.stderr, /not as a tenement server/);
  }
});

for (const args of [
  ['ps'],
  ['health', 'notes:alice'],
  ['spawn', 'notes:alice'],
  ['stop', 'notes:alice'],
  ['restart', 'notes:alice'],
  ['restart', 'notes'],
  ['rm', 'notes:alice'],
  ['disable', 'notes:alice'],
  ['enable', 'notes:alice'],
  ['logs'],
  ['logs', '-f'],
  ['env', 'set', 'notes:alice', 'A', '1'],
  ['env', 'unset', 'notes:alice', 'A'],
  ['env', 'ls', 'notes:alice'],
  ['deploy', 'notes:v2'],
  ['weight', 'notes:v2', '1'],
  ['route', 'notes', '--from', 'v1', '--to', 'v2'],
  ['reload'],
  ['token-gen'],
  ['token', 'ls'],
  ['token', 'revoke', 'ten_00000000'],
]) {
  test(`JSON of something else is neither data nor success: ten ${args.join(' ')}`, async (t) => {
    for (const body of ['{}', '"ok"', '[{"id": 1}]']) {
      const url = await startStranger(t, 200, body);
      const run = await runTen([...args, '--server', url], { cwd: freshDir(t) });
      t.is(run.exitCode, 1, body);
      t.is(run.stdout, '', body);
      t.regex(
        run.stderr,
        /^error: http:\/\/127\.0\.0\.1:\d+ answered.*, but not as a tenement server\n/,
        body,
      );
    }
  });
}

test('a token that is given explicitly counts over the socket as well', async (t) => {
  const { ten, token, dataDir } = await startCliServer(t);
  const good = token({ kind: 'admin' });
  const tenant = token({ kind: 'tenant', tenant: 'bob' });
  const cwd = freshDir(t);
  const env = { TENEMENT_DATA_DIR: dataDir };
  t.regex((await ten(['ps', '--token', good])).stdout, AWAKE);
  t.regex((await ten(['ps'])).stdout, AWAKE);
  const narrow = await ten(['--token', tenant, 'ps']);
  t.regex(narrow.stdout, /notes:bob/);
  t.notRegex(narrow.stdout, /alice/);
  for (const run of [
    await ten(['--token', 'bad', 'ps']),
    await runTen(['ps'], { cwd, env: { ...env, TENEMENT_TOKEN: 'nope' } }),
    await ten(['--token', 'bad', 'token-gen']),
    await ten(['--token', tenant, 'stop', 'notes:alice']),
  ]) {
    t.is(run.exitCode, 1);
    t.is(run.stdout, '');
    t.regex(run.stderr, /^error: .*token/i);
  }
});

test('codes of a newer server still give a readable error', async (t) => {
  const url = await startStranger(
    t,
    418,
    JSON.stringify({ error: { code: 'teapot', message: 'No coffee', hint: 'Tea.' } }),
  );
  const run = await runTen(['ps', '--server', url], { cwd: freshDir(t) });
  t.deepEqual([run.exitCode, run.stderr], [1, 'error: No coffee (teapot)\ntry: Tea.']);
});
