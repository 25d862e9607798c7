import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { findCgroupRoot } from '../../../isolation/cgroup-root.js';
import { fixture, nodeCommand, TestServer } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const ISOLATIONS = ['process', 'namespace', 'sandbox'] as const;

const service = (isolation: string) => `
[service.${isolation}]
${nodeCommand('world.mjs')}
workdir = "work"
health = "/health"
isolation = "${isolation}"
startup_timeout = 120
stop_timeout = 20
memory_limit_mb = 160
cpu_limit = 1.5
pids_limit = 60
read_only_paths = ["${dirname(fixture('world.mjs'))}"]

[service.${isolation}.env]
DATA_DIR = "{data_dir}/${isolation}/{id}"
`;

/** Names of the cgroups of instances. */
async function groups(): Promise<string[]> {
  const directory = join((await findCgroupRoot()) ?? '', 'tenement');
  const entries = existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : [];
  // Another test file's instances are in groups named test-...
  return entries.map((entry) => entry.name).filter((name) => /alice|bob/.test(name) && !/^test-/.test(name));
}

test('limits end the one that breaks them and say so, spare its sibling, and the end of the server leaves nothing', async (t) => {
  const server = await TestServer.start(t, ISOLATIONS.map(service).join(''));
  const pidOf = async (host: string): Promise<number> => {
    const reply = await server.get(host, '/world');
    t.is(reply.status, 200, `${reply.text}; ${server.output}`);
    return JSON.parse(reply.text).pid;
  };
  for (const isolation of ISOLATIONS) {
    const [alice, bob] = [`alice.${isolation}.localhost`, `bob.${isolation}.localhost`] as const;
    const spawns = ['alice', 'bob'].map((id) => server.ten('spawn', `${isolation}:${id}`));
    for (const { exitCode, stderr } of await Promise.all(spawns))
      t.is(exitCode, 0, `${stderr}; ${server.output}`);
    const before = await pidOf(bob);
    t.is((await server.get(alice, '/hungry?mb=600')).status, 502);
    t.is((await server.get(alice, '/health')).status, 200, 'it was started again');
    t.is(await pidOf(bob), before, 'the sibling noticed nothing');
  }
  const { stdout } = await server.ten('ps', '-o', 'wide');
  for (const isolation of ISOLATIONS) t.regex(stdout, new RegExp(`${isolation}:alice .*out of memory`));
  t.is((await groups()).length, 2 * ISOLATIONS.length);
  t.is((await server.ten('stop', 'sandbox:alice')).exitCode, 0);
  await until('its group is gone', async () => (await groups()).length === 2 * ISOLATIONS.length - 1);
  await server.stop();
  t.deepEqual(await groups(), []);
});
