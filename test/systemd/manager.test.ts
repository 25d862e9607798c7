/** The client of systemd's manager against a real one, and a real bus that goes away. */
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { TenementError } from '../../src/base/errors.js';
import { busSocket } from '../../systemd/bus.js';
import { type Property, SystemdManager, type UnitNews } from '../../systemd/manager.js';
import { until } from '../helpers/until.js';
import { BusDoor } from './bus-door.js';

const BUS = busSocket(true, {}) ?? '';
let count = 0;

function connected(t: ExecutionContext, bus = BUS): SystemdManager {
  const manager = new SystemdManager(bus);
  t.teardown(() => manager.close());
  return manager;
}

function newUnit(t: ExecutionContext): string {
  count += 1;
  const unit = `tenement-test-${process.pid}-${count}.service`;
  t.teardown(() => execa('systemctl', ['stop', unit], { reject: false }).then(() => undefined));
  return unit;
}

const run = (...argv: [string, ...string[]]): Property[] => [
  ['Type', 's', 'exec'],
  ['ExecStart', 'a(sasb)', [[argv[0], argv, false]]],
  ['CollectMode', 's', 'inactive-or-failed'],
];

/** How many rules the bus keeps for all its clients together, and for the one with the most. */
async function matchRules(): Promise<number> {
  const { stdout } = await execa('busctl', [
    ...['--json=short', 'call', 'org.freedesktop.DBus', '/org/freedesktop/DBus'],
    ...['org.freedesktop.DBus.Debug.Stats', 'GetStats'],
  ]);
  return Number(/"MatchRules":\{"type":"u","data":(\d+)/.exec(stdout)?.[1] ?? Number.NaN);
}

test('a unit is started, read, changed, and forgotten when it is stopped', async (t) => {
  const manager = connected(t);
  const unit = newUnit(t);
  await manager.startTransient(unit, run('/bin/sleep', '1000'));
  const values = await manager.properties(unit, 'Service');
  t.like(values, { ActiveState: 'active', SubState: 'running', Id: unit });
  // With the prototype of an object each of these hundreds of properties costs so much that taking over two hundred units took seconds.
  t.is(Object.getPrototypeOf(values), null);
  t.deepEqual(await manager.list([unit]), [unit]);
  await manager.setProperties(unit, [['TasksMax', 't', 33n]]);
  t.is((await manager.properties(unit, 'Service'))?.TasksMax, 33n);
  await manager.stop(unit);
  await manager.forget(unit);
  t.is(await manager.properties(unit, 'Service'), undefined);
  await manager.stop(unit);
  t.false(await manager.kill(unit, 'all', 9));
});

test('a job that is done before anybody knows of it is not missed', async (t) => {
  const manager = connected(t);
  // Ends at once: the news may overtake the answer.
  for (let i = 0; i < 30; i += 1) await manager.startTransient(newUnit(t), run('/bin/true'));
  t.pass();
});

test('200 starts at once', async (t) => {
  const manager = connected(t);
  const units = Array.from({ length: 200 }, () => newUnit(t));
  await Promise.all(units.map((unit) => manager.startTransient(unit, run('/bin/sleep', '1000'))));
  t.is(
    (await manager.list([`tenement-test-${process.pid}-*.service`])).filter((unit) => units.includes(unit))
      .length,
    200,
  );
  await Promise.all(units.map((unit) => manager.stop(unit)));
  await Promise.all(units.map((unit) => manager.forget(unit)));
  const left = await manager.list([`tenement-test-${process.pid}-*.service`]);
  t.deepEqual(
    left.filter((unit) => units.includes(unit)),
    [],
  );
});

test('a command that is not there fails the start, and says how', async (t) => {
  const manager = connected(t);
  await t.throwsAsync(manager.startTransient(newUnit(t), run('/nonexistent')), {
    code: 'systemd_failed',
    message: /could not start tenement-test-.*: failed/,
  });
});

test('a property that systemd does not know is named', async (t) => {
  const manager = connected(t);
  await t.throwsAsync(manager.startTransient(newUnit(t), [...run('/bin/true'), ['Nonsense', 's', 'x']]), {
    code: 'systemd_failed',
    message: /systemd refuses StartTransientUnit: .*Nonsense/,
  });
});

test('a unit that exists already is not started again', async (t) => {
  const manager = connected(t);
  const unit = newUnit(t);
  await manager.startTransient(unit, run('/bin/sleep', '1000'));
  const error = await t.throwsAsync<TenementError>(manager.startTransient(unit, run('/bin/sleep', '1000')), {
    code: 'systemd_failed',
  });
  t.true(error?.hint.includes(`journalctl -u '${unit}'`), error?.hint);
});

test('where nobody answers the error says where and what to look at', async (t) => {
  const manager = new SystemdManager('/nonexistent/bus');
  const error = await t.throwsAsync(manager.version(), { code: 'systemd_away' });
  t.regex(error?.message ?? '', /\/nonexistent\/bus cannot be used/);
  t.regex((error as { hint?: string }).hint ?? '', /systemctl status dbus/);
});

// The bus tells the rules of all its clients together.
test.serial('units are watched without a rule for each', async (t) => {
  const manager = connected(t);
  await manager.version();
  const before = await matchRules();
  if (Number.isNaN(before)) return t.fail('the bus does not tell its rules');
  const ends = Array.from({ length: 500 }, (_, i) =>
    manager.watch(`tenement-none-${i}.service`, () => undefined),
  );
  await manager.version();
  t.true((await matchRules()) - before < 20);
  for (const end of ends) end();
});

test('while the bus is away units live on; an end in that time is noticed, and the next one, too', async (t) => {
  const door = new BusDoor(t, BUS);
  await door.open();
  const manager = connected(t, door.path);
  const [dies, lives] = [newUnit(t), newUnit(t)];
  for (const unit of [dies, lives]) await manager.startTransient(unit, run('/bin/sleep', '1000'));
  const pid = (await manager.properties(lives, 'Service'))?.MainPID;
  const news: UnitNews[] = [];
  for (const unit of [dies, lives]) t.teardown(manager.watch(unit, (one) => news.push(one)));
  await door.shut();
  await execa('systemctl', ['stop', dies]);
  await door.open();
  await until('told to look again', () => news.filter(({ kind }) => kind === 'resync').length >= 2);
  t.is(await manager.properties(dies, 'Service'), undefined);
  t.is((await manager.properties(lives, 'Service'))?.MainPID, pid);
  news.length = 0;
  await execa('systemctl', ['kill', '--signal=KILL', lives]);
  await until('its end is told', () => news.some(({ unit, kind }) => unit === lives && kind !== 'resync'));
  // As a reference was taken again, with the new connection.
  t.like(await manager.properties(lives, 'Service'), { ExecMainStatus: 9 });
  await manager.forget(lives);
});

test('what is asked while the bus is away is asked again when it is back', async (t) => {
  const door = new BusDoor(t, BUS);
  await door.open();
  const manager = connected(t, door.path);
  const unit = newUnit(t);
  await manager.startTransient(unit, run('/bin/sleep', '1000'));
  door.deafen();
  const asked = [manager.version(), manager.stop(unit), manager.list([unit])] as const;
  await door.shut();
  await door.open();
  t.regex(await asked[0], /^\d+/);
  await asked[1];
  await asked[2];
  t.is(await manager.properties(unit, 'Service'), undefined);
});

test('a start is not made twice: it fails with the bus, and says that units run on', async (t) => {
  const door = new BusDoor(t, BUS);
  await door.open();
  const manager = connected(t, door.path);
  await manager.version();
  door.deafen();
  const start = t.throwsAsync(manager.startTransient(newUnit(t), run('/bin/true')), {
    code: 'systemd_away',
  });
  await door.shut();
  const error = await start;
  t.regex(error?.message ?? '', /the message bus is gone/);
  t.regex((error as { hint?: string }).hint ?? '', /systemctl status dbus/);
});
