import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'ava';
import { Ports } from '../../../src/supervisor/ports.js';
import { haveTools } from '../../helpers/require-tool.js';
import { fixture, nodeCommand, TestServer } from '../../helpers/server.js';

const COUNT = 10;

/** The first of some neighbouring ports that nobody uses, below the kernel's ephemeral range. */
async function freeRange(): Promise<number> {
  for (let first = 26_000 + (process.pid % 500) * COUNT; ; first += COUNT) {
    const ports = new Ports([first, first + COUNT - 1], first);
    const all = Promise.all(Array.from({ length: COUNT }, () => ports.allocate()));
    if (await all.catch(() => undefined)) return first;
  }
}

for (const isolation of ['process', 'namespace']) {
  test.serial(
    `${isolation}: who listens on all ports is stopped and held, and its sibling starts`,
    async (t) => {
      if (process.geteuid?.() !== 0) {
        t.log('skipped: needs root, for users of their own');
        return t.pass();
      }
      if (isolation === 'namespace' && !haveTools(t, 'unshare', 'nft')) return;
      const first = await freeRange();
      const last = first + COUNT - 1;
      const server = await TestServer.start(
        t,
        `
[settings]
port_range = [${first}, ${last}]
[service.app]
${nodeCommand('world.mjs')}
workdir = "work"
health = "/health"
user = "auto"
isolation = "${isolation}"
stop_timeout = 2
${isolation === 'process' ? '' : `read_only_paths = ["${dirname(fixture('world.mjs'))}"]`}
`,
      );
      // The test's directory is the test's user's alone, and a user that is not isolated goes through it.
      chmodSync(server.directory, 0o755);
      const spawned = await server.ten('spawn', 'app:mallory');
      t.is(spawned.exitCode, 0, spawned.stderr);
      const squat = await server.get('mallory.app.localhost', `/squat?first=${first}&last=${last}`);
      t.is(squat.text, String(COUNT - 1), server.output);

      const sibling = await server.ten('spawn', 'app:bob');
      t.is(sibling.exitCode, 0, `${sibling.stderr} ${server.output}`);
      t.is((await server.get('bob.app.localhost', '/health')).status, 200);

      const refused = await server.get('mallory.app.localhost', '/health');
      t.is(refused.status, 503, 'a request does not wake it again');
      const all = JSON.parse((await server.ten('ps', '--all', '--json')).stdout);
      const row = JSON.stringify(all).match(/\{[^{}]*mallory[^{}]*\}/)?.[0] ?? '';
      t.regex(row, /"state":"stopped"/);
      t.regex(row, /"want":"down"/);
      t.regex(row, /stopped and held: it listened on 9 ports of port_range/);
      t.regex(server.output, /app:mallory is stopped and held: it listened on 9 ports/);
      t.regex(server.output, /-> (draining|stopping)/);
    },
  );
}
