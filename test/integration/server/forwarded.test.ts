/** Apps that know only a port, in a network of their own: what passes connections on to them must not look well when they are not. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { childrenOf, readStat } from '../../../isolation/proc.js';
import { haveTools } from '../../helpers/require-tool.js';
import { fixture, nodeCommand, TestServer } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const host = 'alice.app.localhost';

const served = (t: ExecutionContext, isolation: string, interval: string) =>
  TestServer.start(
    t,
    `
[settings]
health_check_interval = "${interval}"
backoff_base_ms = 10
[service.app]
${nodeCommand('workbench.mjs')}
workdir = "work"
isolation = "${isolation}"
network = "none"
stop_timeout = 1
health_timeout = 1
read_only_paths = ["${dirname(fixture('workbench.mjs'))}"]
[service.app.env]
DATA_DIR = "{data_dir}/app/{id}"
`,
  );

/** How often the app was started. */
const starts = (server: TestServer) =>
  readFileSync(join(server.dataDir, 'app/alice/starts'), 'utf8').trim().split('\n').length;

/** The process of that name between the instance's app and pid 1, or beside the app. */
async function partOf(server: TestServer, name: string): Promise<number> {
  const [row] = JSON.parse((await server.ten('ps', '--json')).stdout);
  const guard = readStat(row.pid)?.ppid ?? 0;
  const found = [guard, ...childrenOf(guard)].find(
    (pid) => readFileSync(`/proc/${pid}/comm`, 'latin1') === `${name}\n`,
  );
  if (found === undefined) throw new Error(`nothing of ${row.pid} is called ${name}`);
  return found;
}

for (const isolation of ['namespace', 'sandbox']) {
  test.serial(
    `${isolation}: one that has stopped listening is started anew, though connections are accepted for it`,
    async (t) => {
      if (!haveTools(t, 'perl', 'unshare', ...(isolation === 'sandbox' ? ['bwrap'] : []))) return;
      const server = await served(t, isolation, '100ms');
      t.is((await server.ten('spawn', 'app:alice')).exitCode, 0);
      const before = starts(server);
      t.is((await server.get(host, '/deaf')).status, 200);
      // Nobody asks for it: the check alone finds out.
      await until('it was started anew', () => starts(server) > before);
      await until('it answers', async () => (await server.get(host, '/pid')).status === 200);
    },
  );

  test.serial(`${isolation}: whoever of its helpers is killed, the next request is answered`, async (t) => {
    if (!haveTools(t, 'perl', 'unshare', ...(isolation === 'sandbox' ? ['bwrap'] : []))) return;
    const server = await served(t, isolation, '1h');
    t.is((await server.ten('spawn', 'app:alice')).exitCode, 0);
    t.is((await server.get(host, '/pid')).status, 200);
    for (const [i, name] of ['tenement-fwd', 'tenement-guard'].entries()) {
      process.kill(await partOf(server, name), 'SIGKILL');
      const reply = await server.get(host, '/pid');
      t.is(reply.status, 200, `${name}: ${reply.text}; ${server.output}`);
      // The app may still have answered that one.
      await until('it was started anew', () => starts(server) >= i + 2);
      t.is(starts(server), i + 2);
      await until('it answers', async () => (await server.get(host, '/pid')).status === 200);
    }
  });
}
