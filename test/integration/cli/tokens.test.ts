import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { controlSocketPath } from '../../../src/base/socket-path.js';
import { socketState } from '../../../src/cli/connect.js';
import { openStore } from '../../../src/state/store.js';
import type { Store } from '../../../src/state/types.js';
import { startCliServer } from '../../helpers/cli-server.js';
import { cleanEnv, TEN } from '../../helpers/example-server.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { runTen } from '../../helpers/run-ten.js';

/** What scripts rely on: the token alone on a line that begins with two spaces. */
function tokenIn(stdout: string): string {
  const lines = stdout.split('\n').filter((line) => line.startsWith('  '));
  if (lines.length !== 1) throw new Error(`not one token in: ${stdout}`);
  return (lines[0] ?? '').trim();
}

function inStore<T>(dataDir: string, look: (store: Store) => T): T {
  const store = openStore(dataDir);
  try {
    return look(store);
  } finally {
    store.close();
  }
}

test('without a server: the state is opened, the admin token saved for later commands', async (t) => {
  const cwd = freshDir(t);
  const dataDir = join(cwd, 'data');
  // A server that is to be started later, as scripts have it in their environment.
  const env = { TENEMENT_SERVER: 'http://127.0.0.1:1' };
  const run = await runTen(['--data-dir', dataDir, 'token-gen', '--description', 'first'], { cwd, env });
  t.is(run.exitCode, 0, run.stderr);
  const token = tokenIn(run.stdout);
  const file = join(dataDir, 'api_token');
  t.is(readFileSync(file, 'utf8').trim(), token);
  t.is(statSync(file).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(dataDir).sort(), ['.tenement', 'api_token']);
  inStore(dataDir, (store) => {
    t.deepEqual(store.tokens.verify(token, Date.now())?.scope, { kind: 'admin' });
    t.is(store.tokens.list()[0]?.description, 'first');
    const [row] = store.audit.list({ limit: 1 });
    t.is(row?.actor, 'cli');
    t.is(row?.action, 'token.create');
    t.false(JSON.stringify(row).includes(token));
  });
});

test('earlier tokens stay valid; only admin tokens are saved', async (t) => {
  const cwd = freshDir(t);
  const gen = async (...args: string[]) => tokenIn((await runTen(['token-gen', ...args], { cwd })).stdout);
  const first = await gen();
  const second = await gen();
  const tenant = await gen('--tenant', 'alice');
  const create = await gen('--scope', 'create');
  const dataDir = join(cwd, 'tenement-data');
  t.is(readFileSync(join(dataDir, 'api_token'), 'utf8').trim(), second);
  inStore(dataDir, (store) => {
    const scopes = [first, second, tenant, create].map(
      (token) => store.tokens.verify(token, Date.now())?.scope,
    );
    t.deepEqual(scopes, [
      { kind: 'admin' },
      { kind: 'admin' },
      { kind: 'tenant', tenant: 'alice' },
      { kind: 'create' },
    ]);
  });
});

test('a link in the place of the token file is replaced, not written through', async (t) => {
  const cwd = freshDir(t);
  const dataDir = join(cwd, 'data');
  mkdirSync(dataDir);
  const victim = join(cwd, 'victim');
  writeFileSync(victim, 'untouched');
  symlinkSync(victim, join(dataDir, 'api_token'));
  t.is((await runTen(['token-gen', '--data-dir', dataDir], { cwd })).exitCode, 0);
  t.is(readFileSync(victim, 'utf8'), 'untouched');
});

test('with a server: through its socket, and the token works over HTTP', async (t) => {
  const { ten, dataDir, url, store } = await startCliServer(t);
  const token = tokenIn((await ten(['token-gen'])).stdout);
  t.is(readFileSync(join(dataDir, 'api_token'), 'utf8').trim(), token);
  t.truthy(store.tokens.verify(token, Date.now()));
  // By the file just saved.
  const run = await ten(['ps', '--server', url]);
  t.is(run.exitCode, 0, run.stderr);
});

test('with --server: over HTTP with a token', async (t) => {
  const { url, token, store } = await startCliServer(t);
  const cwd = freshDir(t);
  const admin = token({ kind: 'admin' });
  const run = await runTen(['token-gen', '--server', url, '--token', admin, '--json'], { cwd });
  t.is(run.exitCode, 0, run.stderr);
  const created = JSON.parse(run.stdout);
  t.is(created.saved_to, null);
  t.truthy(store.tokens.verify(created.token, Date.now()));
  const refused = await runTen(['token-gen', '--server', url], { cwd });
  t.is(refused.exitCode, 1);
});

test('list and revoke, with and without a server', async (t) => {
  const { ten } = await startCliServer(t);
  const alone = freshDir(t);
  const cases: ((
    args: string[],
  ) => Promise<{ exitCode: number | undefined; stdout: string; stderr: string }>)[] = [
    ten,
    (args) => runTen(args, { cwd: alone }),
  ];
  for (const run of cases) {
    const token = tokenIn(
      (await run(['token', 'create', '--tenant', 'alice', '--description', 'for alice'])).stdout,
    );
    const prefix = token.split('_').slice(0, 2).join('_');
    const listed = (await run(['token', 'ls'])).stdout;
    t.regex(listed, new RegExp(`^PREFIX .*\n(.*\n)?${prefix} +tenant alice .* for alice`));
    t.false(listed.includes(token));
    // The whole token, as one finds it where it leaked.
    t.is((await run(['token', 'revoke', token])).stdout, `Revoked ${prefix}`);
    t.false((await run(['token', 'ls', '--json'])).stdout.includes(prefix));
    const again = await run(['token', 'revoke', prefix]);
    t.is(again.exitCode, 1);
    t.regex(again.stderr, /^error: There is no token/);
  }
});

test('another user is told that it cannot see the server, and nothing is opened beside it', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('skipped: needs root, to be another user');
    t.pass();
    return;
  }
  const { dataDir } = await startCliServer(t);
  chmodSync(dataDir, 0o755);
  const nobody = 65534;
  const run = (...args: string[]) =>
    execa(TEN[0], [TEN[1], ...args, '--data-dir', dataDir], {
      cwd: '/',
      env: cleanEnv(),
      extendEnv: false,
      reject: false,
      input: '',
      uid: nobody,
      gid: nobody,
    });
  for (const args of [['token-gen'], ['token', 'ls'], ['token', 'revoke', 'ten_00000000']]) {
    const { exitCode, stderr, stdout } = await run(...args);
    t.is(exitCode, 1, stderr);
    t.is(stdout, '');
    t.regex(
      stderr,
      /^error: Whether a server runs on .* cannot be seen: .*this user may not open it\ntry: .*sudo -u '#0'/,
    );
  }
  const doctor: { checks: { name: string; found: string }[] } = JSON.parse(
    (await run('doctor', '--quick', '--json')).stdout,
  );
  t.regex(doctor.checks.find(({ name }) => name === 'server')?.found ?? '', /cannot be seen/);
});

test('a socket that does not say whether a server runs is not taken for none', async (t) => {
  const cwd = freshDir(t);
  const dataDir = join(cwd, 'data');
  mkdirSync(join(dataDir, '.tenement'), { recursive: true });
  // A link to itself: the connection fails, but not because nobody is there.
  symlinkSync('ten.sock', controlSocketPath(dataDir));
  t.is((await socketState(dataDir)).kind, 'unknown');
  const run = await runTen(['token-gen', '--data-dir', dataDir], { cwd });
  t.is(run.exitCode, 1);
  t.regex(run.stderr, /cannot be seen/);
  t.deepEqual(readdirSync(join(dataDir, '.tenement')), ['ten.sock']);
  t.is((await socketState(join(cwd, 'none'))).kind, 'absent');
});

test('scopes that contradict themselves are wrong usage', async (t) => {
  const cwd = freshDir(t);
  for (const args of [
    ['--tenant', 'alice', '--scope', 'admin'],
    ['--scope', 'tenant'],
    ['--scope', 'root'],
    ['--tenant', 'Alice'],
  ]) {
    t.is((await runTen(['token-gen', ...args], { cwd })).exitCode, 2, args.join(' '));
  }
  t.deepEqual(readdirSync(cwd), []);
});
