/** What a server finds running that was started with another configuration than the one it has now. */
import { dirname, join } from 'node:path';
import test from 'ava';
import { openSqlite } from '../../../src/state/sqlite.js';
import { alive, fixture, nodeCommand, TestServer } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const root = process.geteuid?.() === 0;

const service = (name: string, lines = '', env = 'X = "old"') => `
[service.${name}]
${nodeCommand('world.mjs')}
workdir = "work"
health = "/health"
isolation = "process"
stop_timeout = 5
drain_timeout = 20
read_only_paths = ["${dirname(fixture('world.mjs'))}"]
${lines}
[service.${name}.env]
DATA_DIR = "{data_dir}/${name}/{id}"
${env}
`;

interface World {
  readonly pid: number;
  readonly env: Record<string, string>;
}

async function world(server: TestServer, instance: string): Promise<World> {
  const [name, id] = instance.split(':');
  const reply = await server.get(`${id}.${name}.localhost`, '/world');
  if (reply.status !== 200) throw new Error(`${instance}: ${reply.status} ${reply.text}; ${server.output}`);
  return JSON.parse(reply.text) as World;
}

/** Awake ones, as `ten ps` shows them. */
async function shown(server: TestServer): Promise<Record<string, { backend: string; pid: number }>> {
  const rows = JSON.parse((await server.ten('ps', '--json')).stdout) as {
    id: string;
    backend: string;
    pid: number;
  }[];
  return Object.fromEntries(rows.map((row) => [row.id, row]));
}

test('changed while no server ran: what runs with it is restarted and nothing else, also when the server was killed', async (t) => {
  const listed = '[instances]\napp = ["a", "b"]\nother = ["c"]\n';
  const server = await TestServer.start(t, service('app') + service('other') + listed);
  await server.ten('spawn', 'app:asleep');
  await server.ten('stop', 'app:asleep');
  const [a, b, other] = [
    await world(server, 'app:a'),
    await world(server, 'app:b'),
    await world(server, 'other:c'),
  ];
  await server.kill();
  const changed = service('app', 'listen = "fd"', 'X = "new"') + service('other');
  server.configure(changed + listed);
  await server.run();
  for (const [instance, before] of [
    ['app:a', a],
    ['app:b', b],
  ] as const) {
    await until(
      () => `${instance} is restarted: ${server.output}`,
      async () => (await world(server, instance)).env.X === 'new',
    );
    t.false(alive(before.pid));
    t.regex(server.output, new RegExp(`"instance":"${instance}","settings":\\["env","listen"\\]`));
  }
  t.is((await world(server, 'other:c')).pid, other.pid);
  t.notRegex(server.output, /"instance":"other:c","settings"/);
  t.deepEqual(Object.keys(await shown(server)).sort(), ['app:a', 'app:b', 'other:c']);

  // It is known with what it runs now.
  const now = await world(server, 'app:a');
  await server.kill();
  await server.run();
  t.is((await world(server, 'app:a')).pid, now.pid);
});

test('what only takes effect while it runs restarts nothing', async (t) => {
  const server = await TestServer.start(t, service('app'));
  await server.ten('spawn', 'app:a');
  const { pid } = await world(server, 'app:a');
  await server.kill();
  server.configure(service('app', 'idle_timeout = "2h"\nrequest_timeout = 77'));
  await server.run();
  t.is((await world(server, 'app:a')).pid, pid);
  t.notRegex(server.output, /"settings"/);
});

test('what an earlier version has started is taken as it is, once with a warning', async (t) => {
  const server = await TestServer.start(t, service('app'));
  await server.ten('spawn', 'app:a');
  const { pid } = await world(server, 'app:a');
  const restarted = async (env: string) => {
    await server.kill();
    server.configure(service('app', '', env));
    await server.run();
  };
  await server.kill();
  const db = openSqlite(join(server.dataDir, '.tenement', 'state.db'), {});
  db.exec('DELETE FROM started_with');
  db.close();
  await restarted('X = "new"');
  await until('it is said', () => server.output.includes('did not remember with which settings'));
  t.is((await world(server, 'app:a')).pid, pid);
  await restarted('X = "new"');
  t.is((await world(server, 'app:a')).pid, pid);
  t.is(server.output.split('did not remember with which settings').length, 2);
  await restarted('X = "newer"');
  await until(
    () => `the next change reaches it: ${server.output}`,
    async () => (await world(server, 'app:a')).env.X === 'newer',
  );
});

test('what was set for an instance alone waits for its next start, as before', async (t) => {
  const server = await TestServer.start(t, service('app'));
  await server.ten('spawn', 'app:a');
  const { pid } = await world(server, 'app:a');
  await server.ten('env', 'set', 'app:a', 'Y=own');
  await server.kill();
  await server.run();
  t.is((await world(server, 'app:a')).pid, pid);
});

test('what belongs to no service any more is stopped, and a stop of it promises nothing', async (t) => {
  const server = await TestServer.start(t, service('app') + service('former'));
  for (const instance of ['app:a', 'former:b']) await server.ten('spawn', instance);
  const [a, b] = [await world(server, 'app:a'), await world(server, 'former:b')];
  await server.kill();
  server.configure(service('app'));
  await server.run();
  await until('it is stopped', () => !alive(b.pid));
  t.is((await world(server, 'app:a')).pid, a.pid);
  const { stdout } = await server.ten('stop', 'former:b');
  t.notRegex(stdout, /wakes it/);
  t.regex(stdout, /no service/);
});

(root ? test.serial : test.skip)(
  'another isolation: the old process ends, and the new one is of it',
  async (t) => {
    const server = await TestServer.start(t, service('app'));
    await server.ten('spawn', 'app:a');
    const { pid } = await world(server, 'app:a');
    t.is((await shown(server))['app:a']?.backend, 'process');
    await server.kill();
    server.configure(service('app').replace('"process"', '"namespace"').replace('"old"', '"new"'));
    await server.run();
    await until(
      () => `it has moved: ${server.output}`,
      async () => (await world(server, 'app:a')).env.X === 'new',
    );
    t.false(alive(pid));
    t.regex(server.output, /"settings":\["env","isolation"\]/);
  },
);
