import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  hasData,
  prepareDataRoot,
  prepareInstance,
  purge,
  trash,
} from '../../../src/supervisor/directories.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const alice = { uid: 1_900_200_001, gid: 1_900_200_001 };
const bob = { uid: 1_900_200_002, gid: 1_900_200_002 };
const key = { service: 'notes', id: 'alice' };
const isRoot = process.geteuid?.() === 0;
const asRoot = isRoot ? test : test.skip;
if (!isRoot) console.log('skipped: only root can give directories to other users');

/** Directories that were last prepared for `owner`. */
const owned = (paths: readonly string[], owner?: number) =>
  paths.map((path) => ({ kind: 'directory' as const, path, owner }));
const mode = (path: string): number => lstatSync(path).mode & 0o777;
const owner = (path: string): number => lstatSync(path).uid;

test('the data root can be entered by all, our own state by nobody else', async (t) => {
  const data = join(freshDir(t), 'a/data');
  await prepareDataRoot(data);
  await prepareDataRoot(data);
  t.is(mode(data), 0o711);
  t.is(mode(join(data, '.tenement')), 0o700);
});

test("an instance's directory is its own, those above can only be entered", async (t) => {
  const data = freshDir(t);
  await prepareDataRoot(data);
  const dir = join(data, 'notes/alice');
  await prepareInstance(owned([dir]), data, undefined);
  t.is(mode(join(data, 'notes')), 0o711);
  t.is(mode(dir), 0o700);
});

test('data are found when there is anything', async (t) => {
  const data = freshDir(t);
  const dirs = [join(data, 'notes/alice'), join(data, 'alice')];
  t.false(await hasData(dirs));
  await prepareInstance(owned(dirs), data, undefined);
  t.false(await hasData(dirs));
  writeFileSync(join(data, 'alice/app.db'), '');
  t.true(await hasData(dirs));
});

test('a directory outside the data root is refused', async (t) => {
  const data = freshDir(t);
  await t.throwsAsync(prepareInstance(owned([join(data, '../x')]), data, undefined), { code: 'conflict' });
  await t.throwsAsync(purge(['/etc'], data), { code: 'conflict' });
});

test('the trash takes all directories, and a second time another place', async (t) => {
  const data = freshDir(t);
  await prepareDataRoot(data);
  const dirs = [join(data, 'notes/alice'), join(data, 'alice')];
  const now = Date.UTC(2025, 10, 25);
  t.is(await trash(dirs, data, key, now), undefined);
  for (const place of ['2025-11-25-notes-alice', '2025-11-25-notes-alice-2']) {
    await prepareInstance(owned(dirs), data, undefined);
    writeFileSync(join(data, 'alice/app.db'), place);
    const moved = await trash(dirs, data, key, now);
    t.is(moved, join(data, '.tenement/trash', place));
    t.is(readFileSync(join(moved ?? '', 'alice/app.db'), 'utf8'), place);
    t.true(existsSync(join(moved ?? '', 'notes/alice')));
    t.false(await hasData(dirs));
  }
});

test('purge deletes directories that are deeper than any path may be long', async (t) => {
  const root = freshDir(t);
  const path = join(root, 'alice');
  mkdirSync(path);
  const name = 'd'.repeat(200);
  const script = `for (let i = 0; i < 40; i += 1) { fs.mkdirSync('${name}'); process.chdir('${name}') } fs.writeFileSync('file', '')`;
  execFileSync(process.execPath, ['-e', script], { cwd: path });
  // Not by a failing rmSync: that of Node 24 deletes any depth.
  const deepest = join(path, ...new Array<string>(40).fill(name));
  t.throws(() => lstatSync(deepest), { code: 'ENAMETOOLONG' }, 'it is as deep as that');
  t.deepEqual(await purge([path], root), [path]);
  t.false(existsSync(path));
});

test('what an app has forbidden itself to enter is deleted, and moved to the trash, also by a server of the same user', async (t) => {
  const root = freshDir(t);
  chmodSync(root, 0o777);
  const program = `
    import { mkdirSync, chmodSync, existsSync, writeFileSync } from 'node:fs';
    const [root, module] = process.argv.slice(2);
    const { purge, trash } = await import(module);
    const ways = { purged: (p) => purge([p], root), trashed: (p) => trash([p], root, { service: 's', id: 'x' }, 0) };
    for (const [name, remove] of Object.entries(ways)) {
      const path = root + '/' + name;
      mkdirSync(path + '/a/b', { recursive: true });
      writeFileSync(path + '/a/b/c', '');
      for (const below of ['/a/b', '/a', '']) chmodSync(path + below, 0);
      await remove(path);
      if (existsSync(path)) throw new Error(name + ' is still there');
    }
    await purge([root + '/.tenement'], root);`;
  const file = join(root, 'program.mjs');
  writeFileSync(file, program);
  const module = new URL('../../../src/supervisor/directories.js', import.meta.url).pathname;
  const user = isRoot ? { uid: alice.uid, gid: alice.gid } : {};
  t.notThrows(() => execFileSync(process.execPath, [file, root, module], { ...user, encoding: 'utf8' }));
});

test('purge deletes symlinks and not what they point to', async (t) => {
  const data = freshDir(t);
  const dir = join(data, 'notes/alice');
  await prepareInstance(owned([dir]), data, undefined);
  mkdirSync(join(data, 'precious'));
  writeFileSync(join(data, 'precious/file'), '');
  symlinkSync(join(data, 'precious'), join(dir, 'link'));
  await purge([dir], data);
  t.false(existsSync(dir));
  t.true(existsSync(join(data, 'precious/file')));
});

for (const [what, link, dir] of [
  ['its own directory', 'notes/alice', 'notes/alice'],
  ['a directory above', 'notes', 'notes/alice'],
] as const) {
  test(`a symlink in place of ${what} is refused`, async (t) => {
    const data = freshDir(t);
    mkdirSync(join(data, 'target/alice'), { recursive: true });
    writeFileSync(join(data, 'target/alice/file'), '');
    if (link === 'notes/alice') mkdirSync(join(data, 'notes'));
    symlinkSync(join(data, 'target'), join(data, link));
    await t.throwsAsync(prepareInstance(owned([join(data, dir)]), data, undefined), {
      code: 'conflict',
      message: /is a symlink/,
    });
    if (link === 'notes') {
      await t.throwsAsync(purge([join(data, dir)], data), { code: 'conflict' });
      await t.throwsAsync(trash([join(data, dir)], data, key, 0), { code: 'conflict' });
    }
    t.true(existsSync(join(data, 'target/alice/file')));
  });
}

asRoot("what was the old user's is given to the new one, and nothing else", async (t) => {
  const data = freshDir(t);
  await prepareDataRoot(data);
  const dir = join(data, 'notes/alice');
  await prepareInstance(owned([dir]), data, alice);
  t.is(owner(dir), alice.uid);
  const secret = join(data, 'api_token');
  writeFileSync(secret, 'secret', { mode: 0o600 });
  chownSync(secret, alice.uid, alice.gid);
  mkdirSync(join(dir, 'sub'));
  for (const name of ['sub/own', 'foreign', 'twice']) writeFileSync(join(dir, name), '');
  linkSync(join(dir, 'twice'), join(dir, 'sub/again'));
  linkSync(secret, join(dir, 'hard'));
  symlinkSync(secret, join(dir, 'soft'));
  for (const name of ['sub', 'sub/own', 'twice']) chownSync(join(dir, name), alice.uid, alice.gid);

  t.deepEqual(await prepareInstance(owned([dir]), data, bob), [join(dir, 'hard')]);
  for (const name of ['', 'sub', 'sub/own', 'twice', 'sub/again'])
    t.is(owner(join(dir, name)), bob.uid, name);
  t.is(owner(join(dir, 'foreign')), 0);
  t.is(owner(secret), alice.uid);
  t.is(mode(dir), 0o700);
});

asRoot('an interrupted change of owner is taken up again', async (t) => {
  const data = freshDir(t);
  await prepareDataRoot(data);
  const dir = join(data, 'notes/alice');
  await prepareInstance(owned([dir]), data, alice);
  writeFileSync(join(dir, 'file'), '');
  chownSync(join(dir, 'file'), alice.uid, alice.gid);
  // As it is left when the server dies in the middle.
  chownSync(dir, 0, alice.uid);
  await prepareInstance(owned([dir]), data, bob);
  t.is(owner(join(dir, 'file')), bob.uid);
  t.is(owner(dir), bob.uid);
});

asRoot('where another user could exchange directories, nothing is given away', async (t) => {
  const data = freshDir(t);
  await prepareDataRoot(data);
  mkdirSync(join(data, 'notes'));
  chownSync(join(data, 'notes'), bob.uid, bob.gid);
  await t.throwsAsync(prepareInstance(owned([join(data, 'notes/alice')]), data, alice), {
    code: 'conflict',
    message: new RegExp(`notes belongs to user ${bob.uid}`),
  });
});

asRoot('from an own user to the server and back: nothing is left that the app cannot write', async (t) => {
  const data = freshDir(t);
  await prepareDataRoot(data);
  const dir = join(data, 'notes/alice');
  await prepareInstance(owned([dir]), data, alice);
  writeFileSync(join(dir, 'first'), '');
  chownSync(join(dir, 'first'), alice.uid, alice.gid);
  await prepareInstance(owned([dir], alice.uid), data, undefined);
  t.deepEqual([owner(dir), owner(join(dir, 'first'))], [0, 0]);
  writeFileSync(join(dir, 'as-root'), '');
  // A top that has the right owner already says nothing of what is in it.
  chownSync(dir, alice.uid, alice.gid);
  await prepareInstance(owned([dir], 0), data, alice);
  for (const name of ['', 'first', 'as-root']) t.is(owner(join(dir, name)), alice.uid, name);
});

asRoot(
  "a file with the id in its name is given to the service's user, unless it has another name",
  async (t) => {
    const data = freshDir(t);
    await prepareDataRoot(data);
    const path = join(data, 'alice.db');
    for (const file of [path, `${path}-wal`]) writeFileSync(file, '');
    linkSync(`${path}-wal`, join(data, 'elsewhere'));
    await prepareInstance([{ kind: 'file', path, owner: undefined }], data, alice);
    t.deepEqual([owner(path), owner(`${path}-wal`)], [alice.uid, 0]);
  },
);

asRoot('root uses no data directory of another user', async (t) => {
  const data = join(freshDir(t), 'data');
  for (const dir of [data, join(data, '.tenement')]) {
    mkdirSync(dir);
    chownSync(dir, bob.uid, bob.gid);
    await t.throwsAsync(prepareDataRoot(data), {
      code: 'config_unsafe',
      message: new RegExp(`${dir} belongs to user ${bob.uid}`),
    });
    chownSync(dir, 0, 0);
  }
  await prepareDataRoot(data);
  const link = join(freshDir(t), 'link');
  symlinkSync(data, link);
  await prepareDataRoot(link);
  lchownSync(link, bob.uid, bob.gid);
  await t.throwsAsync(prepareDataRoot(link), { code: 'config_unsafe' });
});
