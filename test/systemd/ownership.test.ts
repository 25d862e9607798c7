/** Names of units are the machine's: what runs under the name of an instance and is not this server's is neither stopped nor replaced. */
import { existsSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { Firewall, nftRunner } from '../../isolation/network/firewall.js';
import { reap } from '../../isolation/network/reaper.js';
import { EGRESS, LOOPBACK } from '../../isolation/network/script.js';
import type { TestServer } from '../helpers/server.js';
import { until } from '../helpers/until.js';
import { rules } from './installed.js';
import { mainPid, newService, property, started, ten, unitService, units } from './units.js';

const WAYS = [
  { isolation: 'socket-activation', listen: 'port' },
  { isolation: 'socket-activation', listen: 'fd' },
  { isolation: 'systemd', listen: 'port' },
] as const;
type Way = (typeof WAYS)[number];

const app = (name: string, { isolation, listen }: Way) =>
  unitService(name, {
    app: 'world.mjs',
    lines: `health = "/health"\nisolation = "${isolation}"\nlisten = "${listen}"\nidle_timeout = "1h"\nstop_timeout = 3`,
  });

const unitOf = (service: string): string => `tenement-${service}-alice.service`;
const socketOf = (service: string): string => `/run/tenement/sockets/${service}:alice`;

/** Its error names the unit, why, and what to try. */
async function refused(t: ExecutionContext, server: TestServer, service: string, unit: string, why = '') {
  const { exitCode, stderr } = await server.ten('spawn', `${service}:alice`);
  t.not(exitCode, 0);
  for (const part of [`the unit ${unit} runs already`, why, `systemctl stop '${unit}'`])
    t.true(stderr.includes(part), `${part}: ${stderr}`);
}

for (const way of WAYS) {
  const name = `${way.isolation}, listen = "${way.listen}"`;
  const socketUnit = (service: string) =>
    way.isolation === 'systemd'
      ? unitOf(service)
      : `tenement-${service}-alice${way.listen === 'port' ? '-door' : ''}.socket`;

  test.serial(`${name}: a second server leaves alone what the first one has`, async (t) => {
    const service = newService();
    const first = await started(t, service, app(service, way));
    await ten(t, first, 'spawn', `${service}:alice`);
    const pid = await mainPid(unitOf(service));
    const stands = way.isolation === 'socket-activation';
    const file = () => (stands ? statSync(socketOf(service)).ino : 0);
    const inode = file();
    const untouched = async (what: string) => {
      t.is(await mainPid(unitOf(service)), pid, what);
      t.is(file(), inode, what);
      t.is((await first.get(`alice.${service}.localhost`, '/health')).status, 200, what);
    };

    // A range of users of its own.
    newService();
    const second = await started(t, service, app(service, way));
    await refused(t, second, service, socketUnit(service), stands ? first.dataDir : '');
    await untouched('spawn');
    // Its own part of it ends in each of these ways.
    for (const command of ['stop', 'disable', 'enable', 'restart']) {
      await second.ten(command, `${service}:alice`);
      await untouched(command);
    }
    await second.stop();
    await second.run();
    await untouched('a restart of the second');
    await second.ten('rm', `${service}:alice`);
    await untouched('rm');
    await second.stop();
    await first.kill();
    await first.run();
    await untouched('the first one takes it over');
  });

  test.serial(`${name}: a unit that somebody has made by hand is left alone`, async (t) => {
    const service = newService();
    const server = await started(t, service, app(service, way));
    await execa('systemd-run', [`--unit=${unitOf(service)}`, 'sleep', '1000']);
    const pid = await mainPid(unitOf(service));
    await refused(t, server, service, unitOf(service));
    t.is(await mainPid(unitOf(service)), pid);
    await ten(t, server, 'rm', `${service}:alice`);
    t.is(await mainPid(unitOf(service)), pid);
    await execa('systemctl', ['stop', unitOf(service)]);
    await ten(t, server, 'spawn', `${service}:alice`);
  });
}

test.serial('a socket that somebody has made by hand is left alone', async (t) => {
  const [way] = WAYS;
  const service = newService();
  const server = await started(t, service, app(service, way));
  const path = `/run/${service}.sock`;
  const base = unitOf(service).replace('.service', '');
  await execa('systemd-run', [`--unit=${base}`, `--socket-property=ListenStream=${path}`, 'sleep', '1000']);
  await refused(t, server, service, `${base}.socket`);
  t.is(await property(`${base}.socket`, 'ActiveState'), 'active');
});

test.serial('what is left of its own is taken over, though nothing but systemd knows of it', async (t) => {
  const [way] = WAYS;
  const service = newService();
  const server = await started(t, service, app(service, way));
  await ten(t, server, 'spawn', `${service}:alice`);
  const [, file = ''] = /^(\S+)/.exec(await property(unitOf(service), 'EnvironmentFiles')) ?? [];
  t.regex(file, /^\/run\/tenement\/[0-9a-f]{24}\/env$/);
  const uid = (await property(unitOf(service), 'User')).replace('tenement-', '');
  t.true(ruled(await rules(), uid) && existsSync(`/run/userdb/${uid}.user`));
  await server.kill();
  rmSync(dirname(file), { recursive: true });
  await server.run();
  await ten(t, server, 'restart', `${service}:alice`);
  await until(
    'it answers',
    async () => (await server.get(`alice.${service}.localhost`, '/health')).status === 200,
  );
  await ten(t, server, 'rm', `${service}:alice`);
  t.deepEqual(await units(service), []);
  t.false(ruled(await rules(), uid));
  t.false(existsSync(`/run/userdb/${uid}.user`));
});

const ruled = (ruleset: string, uid: string) => ruleset.includes(`user_${uid} `);

test.serial('another server takes no rules away from one that sleeps', async (t) => {
  const [way] = WAYS;
  const service = newService();
  const first = await started(t, service, app(service, way).replace('"1h"', '1'));
  await ten(t, first, 'spawn', `${service}:alice`);
  const uid = (await property(unitOf(service), 'User')).replace('tenement-', '');
  await until('it sleeps', async () => (await mainPid(unitOf(service))) === 0);
  t.true(ruled(await rules(), uid));
  // As each server does a while after its start.
  const run = nftRunner('/usr/sbin/nft');
  const list = async (table: string, map: string) =>
    (await execa('/usr/sbin/nft', ['--json', 'list', 'map', 'inet', table, map], { reject: false })).stdout;
  await reap(new Firewall(LOOPBACK, run), new Firewall(EGRESS, run), list, async () => undefined);
  t.true(ruled(await rules(), uid));
});
