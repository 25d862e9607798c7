import test from 'ava';
import { MachineServer } from '../../helpers/machine-server.js';
import { nodeCommand } from '../../helpers/server.js';

// test/vm/after-reboot goes on with it.
test('a server that runs when the machine restarts, with an instance that a person started and one that a request woke', async (t) => {
  const server = new MachineServer('/data/restarted', 'tenement-restarted');
  await server.prepare(`
[service.app]
${nodeCommand('workbench.mjs')}
workdir = "work"
health = "/health"
isolation = "process"
startup_timeout = 120
memory_limit_mb = 200

[service.app.env]
DATA_DIR = "{data_dir}/app/{id}"
`);
  await server.start();
  const { exitCode, stderr } = await server.ten('spawn', 'app:alice');
  t.is(exitCode, 0, stderr);
  t.is((await server.get('alice.app.localhost', '/health')).status, 200);
});
