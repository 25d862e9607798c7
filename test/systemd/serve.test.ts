/** Whole servers whose instances are units of the systemd of this machine. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { TestServer } from '../helpers/server.js';
import { until } from '../helpers/until.js';
import { mainPid, newService, property, reloaded, unitService, units } from './units.js';

const app = (name: string, lines = '') =>
  unitService(name, {
    app: 'world.mjs',
    lines: `health = "/health"\nisolation = "systemd"\nstop_timeout = 3\n${lines}`,
  });

async function spawn(t: ExecutionContext, server: TestServer, instance: string): Promise<void> {
  const { exitCode, stderr } = await server.ten('spawn', instance);
  t.is(exitCode, 0, `${stderr}; ${server.output}`);
}

test.serial(
  'an instance is a unit that an administrator finds; its server dies, and the next one adopts it',
  async (t) => {
    const service = newService();
    const server = await TestServer.start(t, app(service));
    await spawn(t, server, `${service}:alice`);
    const unit = `tenement-${service}-alice.service`;
    const pid = await mainPid(unit);
    t.true(pid > 0);
    t.is(await property(unit, 'Slice'), `tenement-${service}.slice`);
    t.is(await property(unit, 'Environment'), '', 'everybody could read it');
    t.regex(await property(unit, 'Description'), new RegExp(`${service}:alice`));
    await server.kill();
    t.is(await mainPid(unit), pid);
    await server.run();
    t.is((await server.get(`alice.${service}.localhost`, '/health')).status, 200);
    t.is(await mainPid(unit), pid);
    t.is(await server.health(`${service}:alice`), 'healthy');
  },
);

test.serial(
  'ten exec runs a command as the user of a unit, where it runs, with no right that the app has not',
  async (t) => {
    const service = newService();
    const server = await TestServer.start(t, app(service, 'network = "none"\nlisten = "unix"'));
    const instance = `${service}:alice`;
    await spawn(t, server, instance);
    const script =
      'id -u; id -G; grep -E "^(Cap|NoNewPrivs|Seccomp:|Uid|Gid)" /proc/self/status; for one in user mnt net ipc cgroup; do readlink /proc/self/ns/$one; done; cat /proc/self/cgroup';
    const { exitCode, stdout, stderr } = await server.ten('exec', instance, '--', '/bin/sh', '-c', script);
    t.is(exitCode, 0, stderr);
    const pid = await mainPid(`tenement-${service}-alice.service`);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const uid = /^Uid:\t(\d+)/m.exec(status)?.[1];
    t.true(stdout.startsWith(`${uid}\n${uid}\n`), stdout);
    for (const line of status.split('\n').filter((one) => /^(Cap|NoNewPrivs|Seccomp:|Uid|Gid)/.test(one)))
      t.true(stdout.includes(line.trimEnd()), `${line}; ${stdout}`);
    for (const one of ['user', 'mnt', 'net', 'ipc', 'cgroup'])
      t.true(stdout.includes(readlinkSync(`/proc/${pid}/ns/${one}`)), one);
    t.true(stdout.includes(readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n').at(-1) ?? '?'));
    t.is((await server.ten('exec', instance, '--', '/bin/sh', '-c', 'exit 7')).exitCode, 7);
  },
);

test.serial('what an administrator does to a unit is noticed: stop, kill, daemon-reload', async (t) => {
  const service = newService();
  const server = await TestServer.start(t, app(service));
  const instance = `${service}:alice`;
  const unit = `tenement-${service}-alice.service`;
  const get = (path: string) => server.get(`alice.${service}.localhost`, path);
  await spawn(t, server, instance);
  const first = await mainPid(unit);

  await reloaded(t, unit);
  t.is((await get('/health')).status, 200);
  t.is(await mainPid(unit), first);
  await server.kill();
  await server.run();
  await server.untilHealth(instance, 'healthy');
  t.is(await mainPid(unit), first, 'also the next server knows it');

  await execa('systemctl', ['stop', unit]);
  await until('it is started again', async () => (await get('/health')).status === 200);
  const second = await mainPid(unit);
  t.not(second, first);

  await execa('systemctl', ['kill', '--signal=KILL', unit]);
  await until('the kill is noticed', async () =>
    /killed by SIGKILL/.test((await server.ten('logs', instance)).stdout),
  );
  await until('it answers again', async () => (await get('/health')).status === 200);
  t.not(await mainPid(unit), second);
});

test.serial('a unit that systemd refuses is told as a failed start, and leaves nothing', async (t) => {
  const service = newService();
  const toml = app(service, `[service.${service}.systemd]\nMemoryZSwapMax = "1M"`);
  const server = await TestServer.start(t, toml);
  const { exitCode, stderr } = await server.ten('spawn', `${service}:alice`);
  if (exitCode === 0) t.log('this systemd knows MemoryZSwapMax');
  // Before it is asked: a machine may have no controller for it. What systemd does not know is tested in settings.test.ts.
  else
    t.regex(
      stderr,
      /systemd 252\S* does not know the property MemoryZSwapMax|`MemoryZSwapMax` cannot be applied: systemd may not use/,
    );
  await server.ten('rm', `${service}:alice`);
  t.deepEqual(await units(service), []);
});

test.serial(
  'an app that cannot go on: its code and its last words are told, and its unit is forgotten',
  async (t) => {
    const service = newService();
    const toml = app(service, 'startup_timeout = 20').replace(
      /command = .*/,
      'command = "/bin/sh"\nargs = ["-c", "echo cannot go on >&2; exit 3"]',
    );
    const server = await TestServer.start(t, toml);
    const { exitCode, stderr } = await server.ten('spawn', `${service}:alice`);
    t.not(exitCode, 0);
    t.regex(stderr, /exited with code 3/);
    t.regex((await server.ten('logs', `${service}:alice`)).stdout, /cannot go on/);
    await server.ten('stop', `${service}:alice`);
    t.deepEqual(await units(service), []);
  },
);

test.serial('after rm nothing is left: no unit, no user, no environment', async (t) => {
  const service = newService();
  const server = await TestServer.start(t, app(service));
  await spawn(t, server, `${service}:alice`);
  const unit = `tenement-${service}-alice.service`;
  const user = await property(unit, 'User');
  t.true(existsSync(`/run/userdb/${user}.user`));
  const { exitCode, stderr } = await server.ten('rm', `${service}:alice`, '--purge');
  t.is(exitCode, 0, stderr);
  t.deepEqual(await units(service), []);
  t.false(existsSync(`/run/userdb/${user}.user`));
  const kept = readdirSync('/run/tenement', { recursive: true, encoding: 'utf8' });
  const texts = kept
    .filter((name) => name.endsWith('/env'))
    .map((name) => readFileSync(`/run/tenement/${name}`, 'utf8'));
  t.false(texts.some((text) => text.includes(server.directory)));
});

test.serial('what ended while no server ran leaves nothing either', async (t) => {
  const service = newService();
  const server = await TestServer.start(t, app(service, 'idle_timeout = "1h"'));
  await spawn(t, server, `${service}:alice`);
  const unit = `tenement-${service}-alice.service`;
  const user = await property(unit, 'User');
  await server.kill();
  await execa('systemctl', ['stop', unit]);
  await server.run();
  t.false(existsSync(`/run/userdb/${user}.user`));
  t.is((await server.get(`alice.${service}.localhost`, '/health')).status, 200);
});

test.serial(
  'while D-Bus is stopped what runs is served; what cannot be started or stopped says why, and is when it is back',
  async (t) => {
    const service = newService();
    const server = await TestServer.start(t, app(service, 'on_demand = "any"\nstartup_timeout = 60'));
    const get = (id: string) => server.get(`${id}.${service}.localhost`, '/health');
    await spawn(t, server, `${service}:alice`);
    const pid = await mainPid(`tenement-${service}-alice.service`);
    await spawn(t, server, `${service}:carol`);
    const bus = (verb: string) => execa('systemctl', [verb, 'dbus.socket', 'dbus.service']);
    t.teardown(async () => void (await bus('start')));
    await bus('stop');
    t.is((await get('alice')).status, 200);
    const [bob, carol] = await Promise.all([get('bob'), server.ten('stop', '--hold', `${service}:carol`)]);
    t.true([502, 503].includes(bob.status), server.output);
    t.regex(carol.stderr, /the message bus/);
    t.is((await get('alice')).status, 200);
    await bus('start');
    await until('the one that was to stop has', async () => (await units(service)).length < 2);
    t.deepEqual(await units(service), [`tenement-${service}-alice.service`]);
    await until('the other one is started', async () => (await get('bob')).status === 200);
    t.is((await get('alice')).status, 200);
    t.is(await mainPid(`tenement-${service}-alice.service`), pid);
  },
);

test.serial('many starts at once', async (t) => {
  const service = newService();
  const many = 60;
  const server = await TestServer.start(t, app(service, 'startup_timeout = 120\non_demand = "any"'));
  const ids = Array.from({ length: many }, (_, i) => `c${i}`);
  const replies = await Promise.all(ids.map((id) => server.get(`${id}.${service}.localhost`, '/health')));
  t.deepEqual([...new Set(replies.map(({ status }) => status))], [200], server.output);
  t.is((await units(service)).length, many);
  await server.stop();
  t.deepEqual(await units(service), []);
});
