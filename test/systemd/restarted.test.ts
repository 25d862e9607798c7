/** Units that a server finds which were started with another configuration than it has, or belong to no service any more. */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import test from 'ava';
import { execa } from 'execa';
import type { TestServer } from '../helpers/server.js';
import { until } from '../helpers/until.js';
import { mainPid, newService, property, started, stopUnits, ten, unitService, units } from './units.js';

const app = (name: string, isolation: string, lines = '') =>
  `${unitService(name, {
    app: 'world.mjs',
    lines: `health = "/health"\nisolation = "${isolation}"\nidle_timeout = "1h"\nstop_timeout = 3\n${lines}`,
  })}X = "old"\n`;
const changed = (toml: string) => toml.replace('X = "old"', 'X = "new"');
const unitOf = (service: string, id: string): string => `tenement-${service}-${id}.service`;
const socketOf = (service: string, id: string): string => `/run/tenement/sockets/${service}:${id}`;

/** X of the app, as a visitor sees it. */
async function visited(server: TestServer, service: string, id: string): Promise<string | undefined> {
  const { status, text } = await server.get(`${id}.${service}.localhost`, '/world');
  // Nothing is to be waited for any more, and each visit would be told.
  if (status === 503) throw new Error(`${text}; ${said(server)}`);
  return status === 200 ? JSON.parse(text).env.X : `${status} ${text}`;
}

/** The same straight to where systemd listens for the instance, past the server. */
function direct(service: string, id: string): Promise<string | undefined> {
  const options = {
    socketPath: socketOf(service, id),
    path: '/world',
    headers: { connection: 'close' },
  };
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(JSON.parse(text).env.X));
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** What the server has said, but of each visit. */
const said = (server: TestServer) => server.output.replace(/.*"requestId".*\n/g, '');

test.serial(
  'a unit is restarted with what was changed while no server ran, and moves to another isolation',
  async (t) => {
    const service = newService();
    const toml = app(service, 'systemd');
    const server = await started(t, service, toml);
    const unit = unitOf(service, 'alice');
    await ten(t, server, 'spawn', `${service}:alice`);
    const first = await mainPid(unit);

    const next = changed(toml).replace('stop_timeout', 'network = "none"\nlisten = "unix"\nstop_timeout');
    await server.kill();
    server.configure(next);
    await server.run();
    await until(
      () => `it has the new settings: ${said(server)}`,
      async () => (await visited(server, service, 'alice')) === 'new',
    );
    const second = await mainPid(unit);
    t.not(second, first);
    t.is(await property(unit, 'PrivateNetwork'), 'yes');
    t.regex(server.output, /"settings":\["env","listen","network"\]/);

    await server.kill();
    await server.run();
    t.is(await visited(server, service, 'alice'), 'new');
    t.is(await mainPid(unit), second, 'nothing has changed');

    await server.kill();
    server.configure(next.replace('"systemd"', '"namespace"').replace('"new"', '"newer"'));
    await server.run();
    await until(
      () => `it has moved: ${said(server)}`,
      async () => (await visited(server, service, 'alice')) === 'newer',
    );
    t.deepEqual(await units(service), []);
  },
);

test.serial(
  'what systemd starts by a socket has what was changed while no server ran, awake or asleep',
  async (t) => {
    const service = newService();
    const toml = app(service, 'socket-activation');
    const server = await started(t, service, toml);
    for (const id of ['awake', 'asleep', 'woken']) await ten(t, server, 'spawn', `${service}:${id}`);
    const before = await mainPid(unitOf(service, 'awake'));
    await server.kill();
    for (const id of ['asleep', 'woken']) await execa('systemctl', ['stop', unitOf(service, id)]);
    t.is(await direct(service, 'woken'), 'old');
    server.configure(changed(toml));
    await server.run();
    for (const id of ['awake', 'woken'])
      await until(
        () => `${id} has the new settings: ${said(server)}`,
        async () => (await visited(server, service, id)) === 'new',
      );
    t.not(await mainPid(unitOf(service, 'awake')), before);
    await until(
      () => `a connection finds the new one: ${said(server)}`,
      () =>
        direct(service, 'asleep').then(
          (x) => x === 'new',
          () => false,
        ),
    );
  },
);

for (const isolation of ['systemd', 'socket-activation']) {
  test.serial(
    `isolation = "${isolation}": nothing is left of a service that went while no server ran`,
    async (t) => {
      const service = newService();
      const other = app(`${service}o`, 'systemd');
      const own = app(service, isolation).replace(/\[settings\]\n.*\n/, '');
      const server = await started(t, service, other + own);
      t.teardown(() => stopUnits(`${service}o`));
      const ids = ['awake', 'asleep', 'woken'];
      for (const id of ids) await ten(t, server, 'spawn', `${service}:${id}`);
      await ten(t, server, 'spawn', `${service}o:alice`);
      const pid = await mainPid(unitOf(`${service}o`, 'alice'));
      await server.kill();
      for (const id of ['asleep', 'woken']) await execa('systemctl', ['stop', unitOf(service, id)]);
      if (isolation === 'socket-activation') t.is(await direct(service, 'woken'), 'old');
      server.configure(other);
      await server.run();
      await until(
        () => `nothing is left: ${said(server)}`,
        async () => (await units(service)).length === 0,
      );
      for (const id of ids) t.false(existsSync(socketOf(service, id)));
      t.notRegex(server.output, /SIGKILL/);
      t.is(await mainPid(unitOf(`${service}o`, 'alice')), pid);
    },
  );
}
