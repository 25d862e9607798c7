/** `ten install` with every way of isolation, on a whole machine. Each test goes on where the one before it ended, and after-reboot after them. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { execa } from 'execa';
import { send } from '../../helpers/example-server.js';
import { until } from '../../helpers/until.js';
import { answers, journal, listing, PORT, SERVER, tenDone, Visitors } from '../../systemd/installed.js';
import { mainPid, property } from '../../systemd/units.js';
import {
  awake,
  CHILDREN,
  groups,
  hungry,
  instances,
  limitOf,
  MEMORY_MAX,
  prepareEveryBackend,
  SERVICES,
  sibling,
  UNITS,
  unitOf,
} from '../every-backend.js';

const processesIn = (group = ''): string[] =>
  readFileSync(`/sys/fs/cgroup${group}/cgroup.procs`, 'utf8').trim().split('\n');
const GROUPS = '/sys/fs/cgroup/system.slice/tenement.service/tenement';

test.serial('installed on a machine: instances of every isolation start, within their limits', async (t) => {
  prepareEveryBackend();
  writeFileSync('/data/before-installation', await listing());
  await tenDone(t, 'install');
  t.is(await property(SERVER, 'UnitFileState'), 'enabled');
  await awake(instances.length);
  for (const instance of instances) await answers(instance);
  const all = await groups();
  t.deepEqual([...all.keys()].sort(), [...instances].sort());
  for (const [instance, group] of all) {
    const place = /\.(systemd|sockets)$/.test(instance)
      ? /^\/tenement\.slice\//
      : /tenement\.service\/tenement\//;
    t.regex(group, place, instance);
    t.is(limitOf(group), MEMORY_MAX, group);
  }
});

test.serial(
  'installed on a machine: a restart amid requests refuses none of them; units go on, the others come back',
  async (t) => {
    const units = UNITS.map((service) => unitOf(service, sibling));
    const before = await Promise.all(units.map(mainPid));
    const server = await mainPid(SERVER);
    const visitors = new Visitors(SERVICES.map((service) => `${sibling}.${service}`));
    await visitors.more(30);
    await execa('systemctl', ['restart', SERVER]);
    await visitors.more(30);
    await visitors.end();
    t.deepEqual(visitors.failures, [], await journal());
    t.not(await mainPid(SERVER), server);
    t.deepEqual(await Promise.all(units.map(mainPid)), before);
    await awake(instances.length);
  },
);

test.serial(
  'installed on a machine: too much memory ends the one that takes it, which is told; its sibling notices nothing',
  async (t) => {
    const all = await groups();
    const siblings = () => SERVICES.map((service) => processesIn(all.get(`${sibling}.${service}`)));
    // A health check has a process of its own for a moment.
    const first = siblings();
    await groups();
    const lasting = siblings().map((pids, i) => pids.filter((pid) => first[i]?.includes(pid)));
    t.true(lasting.every((pids) => pids.length > 0));
    const greedy = (service: string) => send(PORT, `${hungry}.${service}.localhost`, '/hungry?mb=300');
    for (const service of SERVICES)
      t.not((await greedy(service).catch(() => undefined))?.status, 200, service);
    for (const service of SERVICES) await answers(`${hungry}.${service}`);
    const after = siblings();
    t.deepEqual(
      lasting.map((pids, i) => pids.filter((pid) => !after[i]?.includes(pid))),
      SERVICES.map(() => []),
    );
    // What a busy machine makes of a health check stands there until the next one.
    let table = '';
    const isTold = (service: string) => new RegExp(`^${service}:${hungry} .*out of memory`, 'm').test(table);
    await until(
      () => `it is told of each: ${table}`,
      async () => {
        table = await tenDone(t, 'ps', '--all', '-o', 'wide');
        return SERVICES.every(isTold);
      },
    );
    for (const service of SERVICES) {
      t.notRegex(table, new RegExp(`^${service}:${sibling} .*out of memory`, 'm'));
      t.regex(await tenDone(t, 'logs', `${service}:${hungry}`), /killed: out of memory/);
    }
  },
);

test.serial('installed on a machine: what is stopped leaves no group', async (t) => {
  const ofInstances = readdirSync(GROUPS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  t.is(ofInstances.length, (instances.length / SERVICES.length) * CHILDREN.length);
  const group = (await groups()).get(`${hungry}.namespace`);
  await tenDone(t, 'stop', `namespace:${hungry}`);
  t.false(existsSync(`/sys/fs/cgroup${group}`));
  await execa('systemctl', ['stop', 'tenement.socket', SERVER]);
  t.false(existsSync(GROUPS));
  const units = await execa('systemctl', ['list-units', '--plain', '--no-legend', 'tenement-*.service']);
  t.notRegex(units.stdout, /tenement-(systemd|sockets)-/);
  await execa('systemctl', ['start', 'tenement.socket', SERVER]);
  await awake(instances.length);
});
