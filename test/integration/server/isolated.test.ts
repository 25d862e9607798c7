import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fixture, nodeCommand, TestServer } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const root = process.geteuid?.() === 0;
const alice = 'alice.app.localhost';
const bob = 'bob.app.localhost';

const app = (lines = '', readOnly: string[] = []) => `
[service.app]
${nodeCommand('world.mjs')}
workdir = "work"
health = "/health"
stop_timeout = 2
read_only_paths = ${JSON.stringify([dirname(fixture('world.mjs')), ...readOnly])}
${lines}
[service.app.env]
DATA_DIR = "{data_dir}/app/{id}"
`;

interface World {
  readonly pid: number;
  readonly uid: number;
  readonly home: string;
  readonly hostname: string;
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly processes: number;
}

async function ask<T>(server: TestServer, host: string, path: string): Promise<T> {
  const reply = await server.get(host, path);
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.text}; ${server.output}`);
  return JSON.parse(reply.text) as T;
}
const on = (path: string, values: Record<string, string>) => `${path}?${new URLSearchParams(values)}`;

/** Kept serial: each starts a server that tries the machine's namespaces. */
const serially = test.serial;

/** `isolation` is left out for the default. */
for (const isolation of ['', 'isolation = "sandbox"']) {
  const name = isolation || 'the default isolation';

  serially(
    `${name}: two customers see their own files and processes, and nothing of each other or of the server`,
    async (t) => {
      const server = await TestServer.start(t, app(isolation));
      for (const id of ['alice', 'bob']) {
        const { exitCode, stderr } = await server.ten('spawn', `app:${id}`);
        t.is(exitCode, 0, stderr);
      }
      const world = await ask<World>(server, alice, '/world');
      const data = (id: string) => join(server.dataDir, 'app', id);
      t.is(world.home, data('alice'));
      t.is(world.env.DATA_DIR, data('alice'));
      t.is(world.cwd, join(server.directory, 'work'));
      t.is(world.hostname, root ? 'alice-app' : world.hostname);
      t.true(world.processes <= 4, `${world.processes} processes`);
      if (root) {
        t.true(world.uid >= 1_900_000_000);
        t.not(world.uid, (await ask<World>(server, bob, '/world')).uid);
      }
      t.is(await ask(server, bob, on('/write', { path: join(data('bob'), 'secret'), text: 'of bob' })), null);
      t.is(await ask(server, bob, on('/read', { path: join(data('bob'), 'secret') })), 'of bob');
      t.is(await ask(server, alice, on('/read', { path: join(data('bob'), 'secret') })), 'ENOENT');
      for (const path of [
        'tenement.toml',
        'tenement-data/api_token',
        'tenement-data/.tenement/tenement.db',
      ]) {
        const answer = await ask<string>(server, alice, on('/read', { path: join(server.directory, path) }));
        t.regex(answer, /^(ENOENT|EACCES)$/, path);
      }
      t.notDeepEqual(await ask(server, alice, on('/list', { path: join(server.dataDir, 'app') })), [
        'alice',
        'bob',
      ]);
      t.regex(
        await ask<string>(server, alice, on('/write', { path: join(world.cwd, 'x') })),
        /^(EROFS|EACCES)$/,
      );
      t.is(await ask(server, alice, on('/write', { path: '/tmp/x' })), null);
      t.false(existsSync('/tmp/x'));
    },
  );

  for (const listen of ['fd', 'unix']) {
    serially(`${name}: listen = "${listen}" serves, sleeps and wakes, and leaves nothing`, async (t) => {
      const server = await TestServer.start(t, app(`${isolation}\nlisten = "${listen}"`));
      t.is((await server.ten('spawn', 'app:alice')).exitCode, 0, server.output);
      const first = await ask<World>(server, alice, '/world');
      t.is(first.env.SOCKET_PATH === undefined, listen === 'fd');
      t.is(first.env.LISTEN_FDS === undefined, listen === 'unix');
      t.is((await server.ten('stop', 'app:alice')).exitCode, 0);
      t.deepEqual(places(server), []);
      await ask<World>(server, alice, '/world');
      t.is(places(server).length, 1);
      // The server's death is not the instance's: the next one finds it by its socket.
      const before = await server.ten('ps', '--json');
      await server.kill();
      await server.run();
      await ask<World>(server, alice, '/world');
      const pid = (text: string) => /"pid":\s*(\d+)/.exec(text)?.[1];
      t.truthy(pid(before.stdout));
      t.is(pid((await server.ten('ps', '--json')).stdout), pid(before.stdout));
    });
  }
}

const places = (server: TestServer): string[] => {
  const directory = join(server.dataDir, '.run');
  return existsSync(directory) ? readdirSync(directory) : [];
};

for (const listen of ['fd', 'unix']) {
  serially(`without isolation: listen = "${listen}"`, async (t) => {
    const server = await TestServer.start(t, app(`isolation = "process"\nlisten = "${listen}"`));
    t.is((await server.ten('spawn', 'app:alice')).exitCode, 0, server.output);
    const world = await ask<World>(server, alice, '/world');
    t.is(world.env.SOCKET_PATH === undefined, listen === 'fd');
    t.is((await server.ten('stop', 'app:alice')).exitCode, 0);
    t.deepEqual(places(server), []);
  });
}

serially(
  'an app that turns its own socket into a link to another one gets no visitor sent there',
  async (t) => {
    const server = await TestServer.start(t, app('isolation = "process"\nlisten = "unix"'));
    t.is((await server.ten('spawn', 'app:alice')).exitCode, 0, server.output);
    const path = (await ask<World>(server, alice, '/world')).env.SOCKET_PATH ?? '';
    const elsewhere = join(server.directory, 'other.sock');
    let visits = 0;
    const other = createServer((socket) => {
      visits += 1;
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nstolen');
    });
    t.teardown(() => other.close());
    await new Promise<void>((resolve) => other.listen(elsewhere, resolve));
    unlinkSync(path);
    symlinkSync(elsewhere, path);
    // Connections that are open already lead to the app itself.
    const replies = await Promise.all(Array.from({ length: 20 }, () => server.get(alice, '/world')));
    t.false(replies.some(({ text }) => text === 'stolen'));
    t.is(visits, 0);
    await until('it is started anew', async () => (await server.get(alice, '/world')).status === 200);
  },
);

serially('directories beside the data, read-only and writable ones', async (t) => {
  const server = await TestServer.start(t, app('read_write_paths = ["spool"]', ['shared']));
  mkdirSync(join(server.directory, 'shared'));
  mkdirSync(join(server.directory, 'spool'), { mode: 0o1777 });
  // Made with a mode that the umask cuts.
  chmodSync(join(server.directory, 'spool'), 0o1777);
  writeFileSync(join(server.directory, 'shared', 'a'), 'seen', { mode: 0o644 });
  t.is((await server.ten('spawn', 'app:alice')).exitCode, 0, server.output);
  const path = (...names: string[]) => join(server.directory, ...names);
  t.is(await ask(server, alice, on('/read', { path: path('shared', 'a') })), 'seen');
  t.regex(await ask<string>(server, alice, on('/write', { path: path('shared', 'b') })), /^(EROFS|EACCES)$/);
  t.is(await ask(server, alice, on('/write', { path: path('spool', 'b') })), null);
  t.true(existsSync(path('spool', 'b')));
});

serially('a memory limit ends the one that breaks it, says so, and not its sibling', async (t) => {
  const server = await TestServer.start(t, app('memory_limit_mb = 128\nhealth_timeout = 60'));
  const spawned = await server.ten('spawn', 'app:alice');
  if (noController(t, spawned.stderr)) return;
  t.is(spawned.exitCode, 0, spawned.stderr);
  t.is((await server.ten('spawn', 'app:bob')).exitCode, 0);
  const { pid } = await ask<World>(server, bob, '/world');
  t.is((await server.get(alice, '/hungry?mb=400')).status, 502);
  t.is((await ask<World>(server, bob, '/world')).pid, pid);
  await until('the log says why', () => /out of memory/.test(server.output));
  await until('so do the logs', async () =>
    /out of memory/.test((await server.ten('logs', 'app:alice', '--stream', 'tenement')).stdout),
  );
  t.is((await server.get(alice, '/health')).status, 200, 'it was started again');
  t.regex((await server.ten('ps', '-o', 'wide')).stdout, /app:alice .*out of memory/);
});

/** What cannot be limited here is refused, and says so. */
function noController(t: ExecutionContext, stderr: string): boolean {
  if (!/limit/.test(stderr)) return false;
  t.log(`skipped: ${stderr.split('\n')[0]}`);
  return true;
}

serially(
  'a command that names a file which the instance cannot see is refused, and the way out named',
  async (t) => {
    const toml = app().replace(/read_only_paths.*/, '');
    const server = await TestServer.start(t, toml);
    const { exitCode, stderr } = await server.ten('spawn', 'app:alice');
    t.is(exitCode, 1);
    t.regex(stderr, /cannot see .*world\.mjs/);
    t.regex(stderr, /read_only_paths/);
  },
);

serially('an own network for a process that has none is refused by the config', async (t) => {
  const error = await t.throwsAsync(TestServer.start(t, app('isolation = "process"\nnetwork = "none"')));
  t.regex(error?.message ?? '', /network/);
});

serially('isolation = "auto" is the strongest that works here, and is shown as that', async (t) => {
  const server = await TestServer.start(t, app('isolation = "auto"'));
  const { stdout } = await server.ten('doctor', '--quick', '--json');
  const { checks }: { checks: { name: string; found: string }[] } = JSON.parse(stdout);
  const chosen = checks.find(({ name }) => name === 'isolation auto')?.found.split(',')[0] ?? '';
  t.regex(chosen, /^(sandbox|namespace|process)$/);
  t.is((await server.ten('spawn', 'app:alice')).exitCode, 0, server.output);
  const { stdout: list } = await server.ten('ps', '-o', 'wide');
  t.regex(list, new RegExp(`app:alice .* ${chosen} +-$`, 'm'));
  t.regex(server.output, new RegExp(`isolation = \\\\?"auto\\\\?" is \\\\?"${chosen}`));
  await ask<World>(server, alice, '/world');
});
