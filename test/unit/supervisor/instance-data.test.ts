import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { key, supervisorWorld } from '../../helpers/supervisor-world.js';

const service = (name: string, dir: string, more = '') =>
  `[service.${name}]\ncommand = "app"\nisolation = "process"\n${more}[service.${name}.env]\nDATA = "${dir}"\n`;
const gone = { trash: undefined, deleted: [] as string[], kept: [] as unknown[] };

test('what two services share is left when one of their instances goes, and goes with the last one', async (t) => {
  const shared = '{data_dir}/{id}';
  const world = await supervisorWorld(t, service('a', shared) + service('b', `${shared}/b`));
  const { operations } = world;
  const dir = join(world.dataDir, 'y');
  await operations.spawn(key('y', 'a'), {});
  writeFileSync(join(dir, 'a.db'), 'x');
  await operations.spawn(key('y', 'b'), {});
  for (const purge of [false, true]) {
    t.deepEqual((await operations.remove(key('y', 'b'), { purge })).kept, [
      { path: dir, sharedWith: ['a:y'] },
    ]);
    t.true(existsSync(join(dir, 'a.db')));
    t.false(existsSync(join(world.dataDir, 'b', 'y')), 'what is its own goes');
    await operations.spawn(key('y', 'b'), {});
  }
  await operations.remove(key('y', 'a'), { purge: true });
  t.true(existsSync(join(dir, 'a.db')));
  const last = await operations.remove(key('y', 'b'), { purge: true });
  t.deepEqual(last.deleted, [join(world.dataDir, 'b', 'y'), dir]);
  t.false(existsSync(dir));
});

test('a stop or disable without storage_persist deletes what is the own, and nothing that others share', async (t) => {
  const persist = 'storage_persist = false\n';
  const world = await supervisorWorld(
    t,
    service('a', '{data_dir}/{id}', persist) + service('e', '{data_dir}/{id}/e', persist),
  );
  const own = join(world.dataDir, 'e', 'y');
  const shared = join(world.dataDir, 'y');
  await world.operations.spawn(key('y', 'a'), {});
  for (const down of [
    () => world.operations.stop(key('y', 'e'), { hold: false }),
    () => world.operations.setDisabled(key('y', 'e'), true),
  ]) {
    await world.operations.spawn(key('y', 'e'), {});
    writeFileSync(join(own, 'file'), 'x');
    await down();
    t.false(existsSync(own));
    t.true(existsSync(shared));
  }
  const fate = await world.operations.remove(key('y', 'e'), { purge: false });
  t.deepEqual([fate.trash, fate.kept.length], [undefined, 1]);
});

test('a removal takes what an earlier config had, also of a service that is gone, and only then is the uid free', async (t) => {
  const world = await supervisorWorld(t, service('a', '{data_dir}/old/{id}'));
  const { operations, registry } = world;
  const uid = registry.uidFor(key('x', 'a'), [10, 10]);
  await operations.spawn(key('x', 'a'), {});
  const old = join(world.dataDir, 'old', 'x');
  writeFileSync(join(old, 'secret'), 'x');
  world.setConfig(service('a', '{data_dir}/new/{id}'));
  await operations.reload();
  await operations.spawn(key('x', 'a'), {});
  t.true(existsSync(join(world.dataDir, 'new', 'x')));
  world.setConfig(service('other', '{data_dir}/other/{id}'));
  await operations.reload();
  const first = await operations.remove(key('x', 'a'), { purge: false });
  t.false(existsSync(old));
  t.true(existsSync(join(first.trash ?? '', 'old/x/secret')));

  // The same name again: what the trash holds of its uid keeps the uid, also through a purge.
  world.setConfig(service('a', '{data_dir}/new/{id}'));
  await operations.reload();
  await operations.spawn(key('x', 'a'), {});
  await operations.remove(key('x', 'a'), { purge: true });
  t.throws(() => registry.uidFor(key('z', 'a'), [10, 10]), { code: 'uids_exhausted' });
  rmSync(first.trash ?? '', { recursive: true });
  await operations.spawn(key('x', 'a'), {});
  const last = await operations.remove(key('x', 'a'), { purge: true });
  t.deepEqual(last.deleted, [join(world.dataDir, 'a', 'x'), join(world.dataDir, 'new', 'x')]);
  t.is(registry.uidFor(key('z', 'a'), [10, 10]), uid);
});

test('a file with the id in its name is data, with its companions, and the directory above it is made', async (t) => {
  const world = await supervisorWorld(t, service('a', '{data_dir}/dd/{id}.db'));
  const file = join(world.dataDir, 'dd', 'x.db');
  const files = [file, `${file}-wal`, `${file}-shm`];
  await world.operations.spawn(key('x', 'a'), {});
  t.true(existsSync(join(world.dataDir, 'dd')));
  t.false(existsSync(file), 'it is the app that makes it');
  for (const one of files) writeFileSync(one, 'x');
  const { trash } = await world.operations.remove(key('x', 'a'), { purge: false });
  t.deepEqual(readdirSync(join(trash ?? '', 'dd')), ['x.db', 'x.db-shm', 'x.db-wal']);
  t.deepEqual(readdirSync(join(world.dataDir, 'dd')), []);

  writeFileSync(`${file}-wal`, 'x');
  const error = await t.throwsAsync(world.operations.spawn(key('x', 'a'), {}), { instanceOf: TenementError });
  t.is(error?.code, 'old_data');
  await world.operations.spawn(key('x', 'a'), { adoptData: true });
  writeFileSync(join(world.dataDir, 'dd', 'x.db2'), 'x');
  await world.operations.remove(key('x', 'a'), { purge: true });
  t.deepEqual(readdirSync(join(world.dataDir, 'dd')), ['x.db2']);
});

test("a reload gives nobody what another instance's data lies in", async (t) => {
  const world = await supervisorWorld(t, service('a', '{data_dir}/{id}') + service('b', '{data_dir}/b/{id}'));
  await world.operations.spawn(key('y', 'a'), {});
  writeFileSync(join(world.dataDir, 'y', 'secret'), 'x');
  await world.registration.ensure(key('y', 'b'), { adoptData: false });
  world.setConfig(service('a', '{data_dir}/a/{id}') + service('b', '{data_dir}/{id}'));
  await world.operations.reload();
  const error = await t.throwsAsync(world.operations.spawn(key('y', 'b'), {}), { instanceOf: TenementError });
  t.is(error?.code, 'start_failed');
  t.regex(error?.message ?? '', /where data of a:y is/);
  const fresh = await t.throwsAsync(
    world.operations
      .remove(key('y', 'b'), { purge: true })
      .then(() => world.operations.spawn(key('y', 'b'), { adoptData: true })),
    { instanceOf: TenementError },
  );
  t.is(fresh?.code, 'conflict');
  t.true(existsSync(join(world.dataDir, 'y', 'secret')));
  // Moved to where it belongs now: nothing is in the way.
  rmSync(join(world.dataDir, 'y'), { recursive: true });
  await world.operations.spawn(key('y', 'b'), {});
});

test('the data of a service that got another name can be taken over', async (t) => {
  const world = await supervisorWorld(t, service('old', '{data_dir}/{id}'));
  await world.operations.spawn(key('y', 'old'), {});
  writeFileSync(join(world.dataDir, 'y', 'notes.db'), 'x');
  world.setConfig(service('new', '{data_dir}/{id}'));
  await world.operations.reload();
  await t.throwsAsync(world.operations.spawn(key('y', 'new'), {}), { code: 'conflict' });
  await world.operations.spawn(key('y', 'new'), { adoptData: true });
  const fate = await world.operations.remove(key('y', 'old'), { purge: true });
  t.deepEqual(fate.kept, [{ path: join(world.dataDir, 'y'), sharedWith: ['new:y'] }]);
  t.true(existsSync(join(world.dataDir, 'y', 'notes.db')));
});

test('of one that never started nothing is claimed to be deleted', async (t) => {
  const world = await supervisorWorld(t, service('a', '{data_dir}/{id}'));
  await world.registration.ensure(key('y', 'a'), { adoptData: false });
  t.deepEqual(await world.operations.remove(key('y', 'a'), { purge: true }), gone);
  mkdirSync(join(world.dataDir, 'y'));
  await world.registration.ensure(key('y', 'a'), { adoptData: false });
});
