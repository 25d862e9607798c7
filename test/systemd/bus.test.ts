/** A server that comes up while the message bus is away. */
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { TestServer, workbench } from '../helpers/server.js';
import { until } from '../helpers/until.js';
import { mainPid, newService, stopUnits, unitService } from './units.js';

const bus = (verb: string) => execa('systemctl', [verb, 'dbus.socket', 'dbus.service']);

async function started(t: ExecutionContext, services: readonly string[], toml: string): Promise<TestServer> {
  const server = await TestServer.start(t, toml);
  t.teardown(async () => {
    await bus('start');
    await server.stop();
    for (const service of services) await stopUnits(service);
  });
  return server;
}

const app = (name: string, lines: string) =>
  unitService(name, {
    app: 'world.mjs',
    lines: `health = "/health"\non_demand = "any"\nidle_timeout = "1h"\n${lines}`,
  });

test.serial(
  'without the message bus a server comes up, serves what does not need it, and takes its units over when the bus is back',
  async (t) => {
    const [unit, fd, port] = [newService(), newService(), newService()];
    // Each has a table of settings: one is enough.
    const text = [
      app(unit, 'isolation = "systemd"'),
      app(fd, 'isolation = "socket-activation"\nlisten = "fd"').replace(/^.*?(?=\[service)/s, ''),
      app(port, 'isolation = "socket-activation"').replace(/^.*?(?=\[service)/s, ''),
      workbench('plain', 'on_demand = "any"'),
    ].join('\n');
    const server = await started(t, [unit, fd, port], text);
    const services = [unit, fd, port];
    const get = (service: string) => server.get(`alice.${service}.localhost`, '/health');
    for (const service of [...services, 'plain']) t.is((await get(service)).status, 200, server.output);
    t.is((await server.get(`bob.${port}.localhost`, '/health')).status, 200);
    t.is((await server.ten('stop', `${port}:bob`)).exitCode, 0);
    const pids = () => Promise.all(services.map((one) => mainPid(`tenement-${one}-alice.service`)));
    const before = await pids();
    await server.kill();
    await bus('stop');
    await server.run();

    t.is((await get('plain')).status, 200);
    for (const service of services) {
      const reply = await get(service);
      t.is(reply.status, 503, `${service}: ${reply.text}`);
      t.is(reply.headers['tenement-error'], 'systemd_away');
      const { exitCode, stderr } = await server.ten('spawn', `${service}:alice`);
      t.is(exitCode, 1);
      t.regex(stderr, /message bus/);
      t.regex(stderr, /try: .*dbus/);
    }
    t.notRegex(server.output, /at (async )?\w+.*\.js:\d+/, 'what is expected has no stack');
    const removed = await server.ten('rm', `${port}:bob`);
    t.not(removed.exitCode, 0, 'its socket could not be closed');
    t.regex(removed.stderr, /message bus/);
    t.deepEqual(await pids(), before, 'they run on');

    await bus('start');
    for (const service of services) {
      await until(
        () => `${service} is served again; ${server.output.slice(-2000)}`,
        async () => (await get(service)).status === 200,
      );
    }
    t.deepEqual(await pids(), before, 'taken over, not started anew');
    // What runs is taken over first: only then may anything be started.
    await until(
      'one that slept is started',
      async () => (await server.get(`bob.${port}.localhost`, '/health')).status === 200,
    );
    await execa('systemctl', ['kill', '--signal=KILL', `tenement-${unit}-alice.service`]);
    await until('its end is noticed', async () => (await get(unit)).status === 200);
    t.not((await pids())[0], before[0]);
  },
);
