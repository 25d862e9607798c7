/** A socket whose file is gone listens, and nobody reaches it: the next start makes it anew. */
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { TestServer } from '../helpers/server.js';
import { newService, stopUnits, unitService, units } from './units.js';

async function started(t: ExecutionContext, listen: string) {
  const service = newService();
  const server = await TestServer.start(
    t,
    unitService(service, {
      app: 'world.mjs',
      lines: `health = "/health"\nisolation = "socket-activation"\nlisten = "${listen}"\nidle_timeout = "1h"\nstartup_timeout = 20`,
    }),
  );
  t.teardown(async () => {
    await server.stop();
    await stopUnits(service);
  });
  const path = `/run/tenement/sockets/${service}:alice`;
  const ten = async (...args: string[]) => {
    const { exitCode, stderr } = await server.ten(...args, `${service}:alice`);
    t.is(exitCode, 0, `${args.join(' ')}: ${stderr}; ${server.output}`);
  };
  const visit = async () => (await server.get(`alice.${service}.localhost`, '/health')).status;
  await ten('spawn');
  return { service, server, path, ten, visit };
}

for (const listen of ['port', 'fd']) {
  test.serial(
    `listen = "${listen}": a deleted socket is made again by the next start, and by a request`,
    async (t) => {
      const { service, path, ten, visit } = await started(t, listen);
      await ten('stop');
      rmSync(path);
      t.is(await visit(), 200);
      t.true(existsSync(path));
      await ten('stop');
      rmSync(path);
      await ten('spawn');
      t.is(await visit(), 200);
      // While it runs, too.
      rmSync(path);
      await ten('restart');
      t.is(await visit(), 200);
      await ten('rm');
      t.deepEqual(await units(service), []);
      t.false(existsSync(path));
    },
  );
}

test.serial('a socket of somebody else in its place is not taken for it', async (t) => {
  const { path, ten, visit } = await started(t, 'port');
  await ten('stop');
  rmSync(path);
  let asked = 0;
  const thief = createServer((socket) => {
    asked += 1;
    socket.end();
  });
  t.teardown(() => thief.close());
  await new Promise<void>((resolve) => thief.listen(path, resolve));
  t.is(await visit(), 200);
  t.is(asked, 0);
});
