import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { key, supervisorWorld } from '../../helpers/supervisor-world.js';

const alice = key('alice');
const notes = (quota: string, dir = '{data_dir}/{id}') =>
  `[service.notes]\ncommand = "app"\nisolation = "process"\n${quota}\n[service.notes.env]\nDATA = "${dir}"\n`;
const MB = 2 ** 20;

/** A kernel that only notes what it is told. Projects are numbered in the order in which it hears of them. */
function noted() {
  const said: string[] = [];
  let refuses = false;
  const projects: number[] = [];
  const name = (project: number) => {
    if (!projects.includes(project)) projects.push(project);
    return `p${projects.indexOf(project)}`;
  };
  const note = (line: string) => {
    if (refuses) throw new TenementError('internal', 'the kernel refuses');
    said.push(line);
  };
  let root = '';
  return {
    kernel: {
      assign: async (directories: readonly string[], project: number) =>
        note(`${name(project)} has ${directories.map((path) => relative(root, path)).join(' ')}`),
      release: async (paths: readonly string[]) =>
        note(`released ${paths.map((path) => relative(root, path)).join(' ')}`),
      limit: async (project: number, bytes: number | undefined) =>
        note(`${name(project)} gets ${bytes === undefined ? 'all' : `${bytes / MB} MB`}`),
    },
    under: (directory: string) => {
      root = directory;
    },
    refuse: (yes: boolean) => {
      refuses = yes;
    },
    said: () => said.splice(0),
  };
}

test('at its first start an instance becomes a project of its own, with a limit; later starts do nothing', async (t) => {
  const { kernel, said, under } = noted();
  const { operations, dataDir } = await supervisorWorld(t, notes('storage_quota_mb = 5'), kernel);
  under(dataDir);
  await operations.spawn(alice, {});
  t.deepEqual(said(), ['p0 gets 5 MB', 'p0 has notes/alice', 'p0 has alice']);
  await operations.restart(alice);
  t.deepEqual(said(), []);
  await operations.spawn(key('bob'), {});
  t.deepEqual(said(), ['p1 gets 5 MB', 'p1 has notes/bob', 'p1 has bob']);
});

test('what an app may write beside its socket is counted for it, in each run', async (t) => {
  const { kernel, said, under } = noted();
  const toml = notes('storage_quota_mb = 5\nlisten = "unix"');
  const { operations, dataDir } = await supervisorWorld(t, toml, kernel);
  under(dataDir);
  await operations.spawn(alice, {});
  const [limit, place = '', ...others] = said();
  t.deepEqual([limit, ...others], ['p0 gets 5 MB', 'p0 has notes/alice', 'p0 has alice']);
  t.regex(place, /^p0 has \.run\/[0-9a-f]+$/);
  await operations.restart(alice);
  const [again = '', ...more] = said();
  t.deepEqual(more, []);
  t.regex(again, /^p0 has \.run\/[0-9a-f]+$/);
  t.not(again, place);
});

test('without a quota nothing is asked of the kernel', async (t) => {
  const { kernel, said, refuse } = noted();
  refuse(true);
  const { operations, registry } = await supervisorWorld(t, notes(''), kernel);
  await operations.spawn(alice, {});
  await operations.remove(alice, { purge: true });
  t.deepEqual(said(), []);
  t.is(registry.uidFor(key('bob'), [7, 9]), 7);
});

test('a start whose limit the kernel refuses is no start', async (t) => {
  const { kernel, refuse } = noted();
  const { operations, alive } = await supervisorWorld(t, notes('storage_quota_mb = 5'), kernel);
  refuse(true);
  await t.throwsAsync(operations.spawn(alice, {}), { message: /the kernel refuses/ });
  t.deepEqual(alive(), []);
  refuse(false);
  await operations.spawn(alice, {});
});

test('a directory that was put there anew is counted again, as a whole', async (t) => {
  const { kernel, said, under } = noted();
  const { operations, dataDir } = await supervisorWorld(t, notes('storage_quota_mb = 5'), kernel);
  under(dataDir);
  await operations.spawn(alice, {});
  await operations.stop(alice, { hold: true });
  said();
  rmSync(`${dataDir}/alice`, { recursive: true });
  // Elsewhere in between, so that it is another inode for certain.
  mkdirSync(`${dataDir}/other`);
  mkdirSync(`${dataDir}/alice`);
  await operations.spawn(alice, {});
  t.deepEqual(said(), ['p0 has alice']);
});

test('a reload changes and ends the limit of what runs; one that had none gets it with its next start', async (t) => {
  const { kernel, said, under } = noted();
  const world = await supervisorWorld(t, notes('storage_quota_mb = 5'), kernel);
  const { operations } = world;
  under(world.dataDir);
  await operations.spawn(alice, {});
  said();
  const reload = async (quota: string) => {
    world.setConfig(notes(quota));
    await operations.reload();
    return said();
  };
  t.deepEqual(await reload('storage_quota_mb = 7'), ['p0 gets 7 MB']);
  t.deepEqual(await reload('storage_quota_mb = 7'), []);
  t.deepEqual(await reload(''), ['p0 gets all']);
  await operations.restart(alice);
  t.deepEqual(said(), []);
  await operations.spawn(key('bob'), {});
  t.deepEqual(await reload('storage_quota_mb = 9'), ['p0 gets 9 MB']);
  await operations.restart(key('bob'));
  t.deepEqual(said(), ['p1 gets 9 MB', 'p1 has notes/bob', 'p1 has bob']);
});

test('a removal ends the limit, and what is in the trash counts for nobody', async (t) => {
  const { kernel, said, under } = noted();
  const { operations, dataDir } = await supervisorWorld(t, notes('storage_quota_mb = 5'), kernel);
  under(dataDir);
  await operations.spawn(alice, {});
  writeFileSync(`${dataDir}/alice/file`, 'x');
  said();
  const { trash } = await operations.remove(alice, { purge: false });
  t.deepEqual(said(), [`released ${relative(dataDir, trash ?? '')}`, 'p0 gets all']);
  await operations.spawn(alice, {});
  t.deepEqual(said(), ['p0 gets 5 MB', 'p0 has notes/alice', 'p0 has alice']);
  await operations.remove(alice, { purge: true });
  t.deepEqual(said(), ['p0 gets all']);
});

test('what two instances share is in nobody’s project', async (t) => {
  const { kernel, said, under } = noted();
  const second = notes('').replaceAll('notes', 'other');
  const { operations, dataDir } = await supervisorWorld(t, notes('storage_quota_mb = 5') + second, kernel);
  under(dataDir);
  await operations.spawn(alice, {});
  t.true(said().includes('p0 has alice'));
  await operations.spawn(key('alice', 'other'), {});
  await operations.restart(alice);
  t.deepEqual(said(), ['released alice']);
  await operations.restart(alice);
  t.deepEqual(said(), []);
});
