/** Instances that systemd starts with the first connection to their socket. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { fixture } from '../helpers/server.js';
import { until } from '../helpers/until.js';
import {
  mainPid,
  newService,
  property,
  reloaded,
  started,
  stopUnits,
  ten,
  unitService,
  units,
} from './units.js';

const WAYS = [
  { listen: 'port', network: 'host' },
  { listen: 'port', network: 'none' },
  { listen: 'fd', network: 'host' },
  { listen: 'fd', network: 'none' },
] as const;

/** Neither filled in nor changed by what systemd writes down. */
const ODD = ['$HOME;', '$$', '%h'];

const app = (name: string, { listen, network }: { listen: string; network: string }, lines = '') =>
  unitService(name, {
    app: 'world.mjs',
    command: `command = "${process.execPath}"\nargs = ${JSON.stringify([fixture('world.mjs'), ...ODD])}`,
    lines: `health = "/health"
isolation = "socket-activation"
listen = "${listen}"
network = "${network}"
idle_timeout = "1h"
stop_timeout = 3
${lines}`,
  });

const socketOf = (service: string, id: string): string => `/run/tenement/sockets/${service}:${id}`;
const unitOf = (service: string, id: string): string => `tenement-${service}-${id}.service`;

/** Straight to where the instance listens, past the server. */
function direct(socketPath: string, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, headers: { connection: 'close' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

for (const way of WAYS) {
  const name = `listen = "${way.listen}", network = "${way.network}"`;

  test.serial(
    `${name}: a sleeping instance answers who connects to its socket, whether a server runs or not`,
    async (t) => {
      const service = newService();
      const server = await started(t, service, app(service, way));
      const [instance, unit, path] = [
        `${service}:alice`,
        unitOf(service, 'alice'),
        socketOf(service, 'alice'),
      ];
      const asleep = async () => (await mainPid(unit)) === 0;

      await ten(t, server, 'spawn', instance);
      t.is((await server.get(`alice.${service}.localhost`, '/health')).status, 200);
      const first = await mainPid(unit);
      t.true(first > 0);
      t.is(JSON.parse((await direct(path, '/world')).text).env.DATA_DIR.endsWith(`/${service}/alice`), true);

      // No server: who runs, runs on.
      await server.kill();
      t.is((await direct(path, '/health')).status, 200);
      t.is(await mainPid(unit), first);

      // No server and no process: systemd starts it, by what it has written down of it.
      for (const one of await units(service)) await reloaded(t, one);
      await execa('systemctl', ['stop', unit]);
      t.true(await asleep());
      const answers = await Promise.all(Array.from({ length: 20 }, () => direct(path, '/health')));
      t.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      const second = await mainPid(unit);
      t.not(second, first);
      t.deepEqual(JSON.parse((await direct(path, '/world')).text).args, ODD);

      // The next server takes over what runs.
      await server.run();
      t.is((await server.get(`alice.${service}.localhost`, '/health')).status, 200);
      t.is(await mainPid(unit), second);
      await server.untilHealth(instance, 'healthy');

      // A server that ends in order leaves the sockets.
      await server.stop();
      await until('nothing of it runs', asleep);
      t.is((await direct(path, '/health')).status, 200);
      const third = await mainPid(unit);
      await server.run();
      await server.untilHealth(instance, 'healthy');
      t.is(await mainPid(unit), third);

      await ten(t, server, 'rm', instance);
      t.deepEqual(await units(service), []);
      t.false(existsSync(path));
    },
  );
}

test.serial('what is idle sleeps, a connection past the server wakes it, and the server knows', async (t) => {
  const service = newService();
  const way = { listen: 'port', network: 'none' };
  const server = await started(t, service, app(service, way).replace('"1h"', '1'));
  const [instance, unit, path] = [`${service}:alice`, unitOf(service, 'alice'), socketOf(service, 'alice')];
  await ten(t, server, 'spawn', instance);
  const door = unit.replace('.service', '-door.service');
  for (let round = 0; round < 2; round += 1) {
    await until('it sleeps', async () => (await mainPid(unit)) === 0);
    // What comes when only the app has ended would be reset.
    const doorEnded = Number(await property(door, 'InactiveEnterTimestampMonotonic'));
    t.true(doorEnded > 0);
    t.true(doorEnded <= Number(await property(unit, 'ExecMainExitTimestampMonotonic')));
    t.is((await direct(path, '/health')).status, 200);
    await until(
      'the server knows',
      () => server.output.split('took over what a connection has started').length > round + 1,
    );
  }
  t.notRegex(server.output, /backoff/);
  await until('it sleeps', async () => (await mainPid(unit)) === 0);
  t.is((await server.get(`alice.${service}.localhost`, '/health')).status, 200);
});

test.serial(
  'what is only registered is started by a connection, with the environment that was set last, and no server',
  async (t) => {
    const service = newService();
    const server = await started(t, service, app(service, { listen: 'fd', network: 'none' }));
    const [unit, path] = [unitOf(service, 'alice'), socketOf(service, 'alice')];
    const authorization = `Bearer ${readFileSync(join(server.dataDir, 'api_token'), 'utf8').trim()}`;
    const put = async (changes: object) =>
      (
        await server.get('localhost', `/api/instances/${service}:alice`, {
          method: 'PUT',
          headers: { authorization, 'content-type': 'application/json' },
          body: JSON.stringify(changes),
        })
      ).status;
    t.is(await put({}), 201);
    t.true(existsSync(path));
    t.is(await put({ env: { PLAN: 'trial' } }), 200);
    t.is(await mainPid(unit), 0, 'nothing starts it');
    await server.kill();
    t.is(JSON.parse((await direct(path, '/world')).text).env.PLAN, 'trial');
    await server.run();
    t.is(await put({ disabled: true }), 200);
    await t.throwsAsync(direct(path, '/health'));
  },
);

for (const listen of ['fd', 'port']) {
  test.serial(
    `listen = "${listen}": how one ended is told, though connections start it again at once`,
    async (t) => {
      const service = newService();
      const server = await started(t, service, app(service, { listen, network: 'none' }));
      const [instance, unit, path] = [
        `${service}:alice`,
        unitOf(service, 'alice'),
        socketOf(service, 'alice'),
      ];
      await ten(t, server, 'spawn', instance);
      for (const signal of ['SIGSEGV', 'SIGKILL'] as const) {
        const first = await mainPid(unit);
        let going = true;
        const visit = async (): Promise<void> => {
          while (going) await direct(path, '/health').catch(() => undefined);
        };
        const visitors = Array.from({ length: 8 }, visit);
        process.kill(first, signal);
        await until('it runs again', async () => ![0, first].includes(await mainPid(unit)));
        going = false;
        await Promise.all(visitors);
        await until(
          () => `${signal} is told: ${server.output}`,
          async () => (await ten(t, server, 'logs', instance)).includes(signal),
        );
      }
    },
  );
}

test.serial(
  'what was stopped or disabled is started by a connection when it may run, with or without a server',
  async (t) => {
    const service = newService();
    const server = await started(t, service, app(service, { listen: 'port', network: 'host' }));
    const [instance, unit, path] = [`${service}:alice`, unitOf(service, 'alice'), socketOf(service, 'alice')];
    await ten(t, server, 'spawn', instance);
    await ten(t, server, 'stop', instance);
    t.is(await mainPid(unit), 0);
    t.is((await direct(path, '/health')).status, 200);
    await server.untilHealth(instance, 'healthy');
    await ten(t, server, 'disable', instance);
    await t.throwsAsync(direct(path, '/health'));
    await ten(t, server, 'enable', instance);
    t.is((await direct(path, '/health')).status, 200);
    await server.untilHealth(instance, 'healthy');
    await ten(t, server, 'stop', instance);
    await server.stop();
    t.is((await direct(path, '/health')).status, 200);
  },
);

test.serial(
  'whoever listens on the port of one that sleeps gets nothing that was meant for it',
  async (t) => {
    const service = newService();
    const toml = app(service, { listen: 'port', network: 'host' }).replace(
      /command = .*\nargs = (.*)/,
      (_, args: string) =>
        `command = "/bin/sh"\nargs = ${JSON.stringify(['-c', 'sleep 1; exec "$0" "$@"', process.execPath]).slice(0, -1)}, ${args.slice(1)}`,
    );
    const server = await started(t, service, toml);
    const [instance, host] = [`${service}:alice`, `alice.${service}.localhost`];
    await ten(t, server, 'spawn', instance);
    const port = Number(JSON.parse((await server.get(host, '/world')).text).env.PORT);
    await ten(t, server, 'stop', instance);
    let asked = 0;
    const thief = createServer((req, res) => {
      if (req.url === '/secret') asked += 1;
      res.end('of a thief');
    });
    t.teardown(() => thief.close());
    await new Promise<void>((resolve) => thief.listen(port, '127.0.0.1', resolve));
    for (let i = 0; i < 3; i += 1) t.not((await server.get(host, '/secret')).status, 200);
    t.is(asked, 0);
  },
);

test.serial('an app without a health path that never listens was not ready', async (t) => {
  const service = newService();
  const toml = app(service, { listen: 'port', network: 'host' })
    .replace('health = "/health"', 'startup_timeout = 2')
    .replace(/command = .*\nargs = .*/, 'command = "sleep 1000"');
  const server = await started(t, service, toml);
  const { exitCode, stderr } = await server.ten('spawn', `${service}:alice`);
  t.not(exitCode, 0);
  t.regex(stderr, /was not ready 2 s after its start: nothing accepts connections/);
});

test.serial('an app that takes no connection does not run on for those that wait for it', async (t) => {
  const service = newService();
  const toml = app(service, { listen: 'fd', network: 'none' }, 'startup_timeout = 1')
    .replace('[settings]\n', '[settings]\nmax_restarts = 2\n')
    .replace(/command = .*\nargs = .*/, 'command = "sleep 1000"');
  const server = await started(t, service, toml);
  const [unit, path] = [unitOf(service, 'alice'), socketOf(service, 'alice')];
  const { stderr } = await server.ten('spawn', `${service}:alice`);
  t.regex(stderr, /was not ready 1 s after its start/);
  const ended = async (): Promise<boolean> =>
    server.output.includes('"to":"failed"') && (await mainPid(unit)) === 0;
  await until(() => `it has failed, and nothing of it runs: ${server.output}`, ended);
  await t.throwsAsync(direct(path, '/health'), undefined, 'who comes now is not answered');
  await until('nothing of it runs, and it is listened for', async () => (await ended()) && existsSync(path));
});

test.serial('what was stopped for longer or is held is not started by a connection', async (t) => {
  const service = newService();
  const server = await started(t, service, app(service, { listen: 'port', network: 'none' }));
  const [instance, path] = [`${service}:alice`, socketOf(service, 'alice')];
  await ten(t, server, 'spawn', instance);
  await ten(t, server, 'stop', instance, '--hold');
  await t.throwsAsync(direct(path, '/health'));
  t.deepEqual(await units(service), []);
  await server.kill();
  await server.run();
  await t.throwsAsync(direct(path, '/health'));
  await ten(t, server, 'spawn', instance);
  t.is((await direct(path, '/health')).status, 200);
});

test.serial('after a boot, when nobody listens, the next server has it listened for again', async (t) => {
  const service = newService();
  const server = await started(t, service, app(service, { listen: 'fd', network: 'host' }));
  const [instance, path] = [`${service}:alice`, socketOf(service, 'alice')];
  await ten(t, server, 'spawn', instance);
  await server.stop();
  await stopUnits(service);
  t.false(existsSync(path));
  await server.run();
  await until('somebody listens', () => existsSync(path));
  t.is(await mainPid(unitOf(service, 'alice')), 0);
  t.is((await direct(path, '/health')).status, 200);
});

test.serial('a request that comes while the sockets are made again finds nothing half made', async (t) => {
  const service = newService();
  const server = await started(t, service, app(service, { listen: 'port', network: 'host' }));
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const id of ids) await ten(t, server, 'spawn', `${service}:${id}`);
  await server.stop();
  await stopUnits(service);
  await server.run();
  const answers = await Promise.all(ids.map((id) => server.get(`${id}.${service}.localhost`, '/health')));
  t.deepEqual([...new Set(answers.map(({ status }) => status))], [200], server.output);
});

test.serial('with other settings it is made anew; an app that cannot start is told as such', async (t) => {
  const service = newService();
  const server = await started(t, service, app(service, { listen: 'port', network: 'none' }));
  const instance = `${service}:alice`;
  await ten(t, server, 'spawn', instance);
  await ten(t, server, 'env', 'set', instance, 'COLOUR=green');
  await ten(t, server, 'restart', instance);
  t.is(JSON.parse((await direct(socketOf(service, 'alice'), '/world')).text).env.COLOUR, 'green');
  const broken = newService();
  const toml = app(broken, { listen: 'port', network: 'none' }).replace(
    /command = .*\nargs = .*/,
    'command = "/bin/sh"\nargs = ["-c", "echo cannot go on >&2; exit 3"]',
  );
  const second = await started(t, broken, toml);
  const { exitCode, stderr } = await second.ten('spawn', `${broken}:alice`);
  t.not(exitCode, 0);
  t.regex(stderr, /exited with code 3/);
});

test.serial(
  'a reload by which systemd is no more to wake anybody leaves no socket, and one back makes them again',
  async (t) => {
    const service = newService();
    const toml = app(service, { listen: 'port', network: 'host' });
    const server = await started(t, service, toml);
    const [awake, asleep] = ['alice', 'bob'].map((id) => ({
      instance: `${service}:${id}`,
      host: `${id}.${service}.localhost`,
      unit: unitOf(service, id),
      path: socketOf(service, id),
    })) as [Side, Side];
    for (const { instance } of [awake, asleep]) await ten(t, server, 'spawn', instance);
    // While a server runs it would be started again.
    const putToSleep = async () => {
      await server.kill();
      await execa('systemctl', ['stop', asleep.unit]);
    };
    await putToSleep();
    await server.run();
    const before = await mainPid(awake.unit);

    const configure = (text: string) => server.configure(text);
    configure(toml.replace('"socket-activation"', '"systemd"'));
    await ten(t, server, 'reload');
    for (const { path } of [awake, asleep]) t.false(existsSync(path));
    // That of what runs, under the same name as before.
    t.deepEqual(await units(service), [awake.unit]);
    for (const { host } of [awake, asleep]) t.is((await server.get(host, '/health')).status, 200);
    t.not(await mainPid(awake.unit), before);

    await putToSleep();
    await server.run();
    configure(toml);
    await ten(t, server, 'reload');
    t.is((await direct(awake.path, '/health')).status, 200);
    t.is(await mainPid(asleep.unit), 0);
    t.is((await direct(asleep.path, '/health')).status, 200);

    await putToSleep();
    await server.run();
    configure(`${toml}X = "new"\n`);
    await ten(t, server, 'reload');
    t.is(JSON.parse((await direct(asleep.path, '/world')).text).env.X, 'new');

    // A server that was not there for the change sees to it as well.
    await putToSleep();
    configure(toml.replace('"socket-activation"', '"systemd"'));
    await server.run();
    t.false(existsSync(asleep.path));
    t.is((await server.get(asleep.host, '/health')).status, 200);
  },
);

interface Side {
  readonly instance: string;
  readonly host: string;
  readonly unit: string;
  readonly path: string;
}
