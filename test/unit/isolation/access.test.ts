import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { allows, unreachable } from '../../../isolation/access.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const stranger = { uid: 1_900_200_001, gid: 1_900_200_001 };

test("the owner's, the group's or the others' bits count: only the first that fits", (t) => {
  const stats = (mode: number) => ({ mode: 0o040000 | mode, uid: 10, gid: 20 });
  t.true(allows(stats(0o100), { uid: 10, gid: 1 }, 1));
  t.false(allows(stats(0o011), { uid: 10, gid: 20 }, 1));
  t.true(allows(stats(0o010), { uid: 11, gid: 20 }, 1));
  t.false(allows(stats(0o101), { uid: 11, gid: 20 }, 1));
  t.true(allows(stats(0o001), { uid: 11, gid: 21 }, 1));
});

test('root enters and reads everything, and executes what anyone may execute', (t) => {
  const root = { uid: 0, gid: 0 };
  t.true(allows({ mode: 0o040000, uid: 1, gid: 1 }, root, 1));
  t.true(allows({ mode: 0o100000, uid: 1, gid: 1 }, root, 4));
  t.false(allows({ mode: 0o100644, uid: 1, gid: 1 }, root, 1));
  t.true(allows({ mode: 0o100100, uid: 1, gid: 1 }, root, 1));
});

test('the sentence names the directory in the way', async (t) => {
  const dir = freshDir(t);
  chmodSync(dir, 0o711);
  mkdirSync(join(dir, 'closed/inner'), { recursive: true });
  writeFileSync(join(dir, 'closed/inner/app'), '', { mode: 0o755 });
  const app = join(dir, 'closed/inner/app');
  t.is(await unreachable(app, stranger, 'execute'), undefined);
  chmodSync(join(dir, 'closed'), 0o700);
  t.is(
    await unreachable(app, stranger, 'execute'),
    `user ${stranger.uid} cannot enter ${join(dir, 'closed')} (mode 0700), which is on the way to ${app}`,
  );
});

test('the last component is judged by what is to be done with it', async (t) => {
  const dir = freshDir(t);
  chmodSync(dir, 0o711);
  const file = join(dir, 'file');
  writeFileSync(file, '');
  chmodSync(file, 0o644);
  t.is(await unreachable(file, stranger, 'read'), undefined);
  t.is(
    await unreachable(file, stranger, 'execute'),
    `user ${stranger.uid} cannot execute ${file} (mode 0644)`,
  );
  t.is(await unreachable(dir, stranger, 'enter'), undefined);
});

test('the way to the target of a symlink counts, too', async (t) => {
  const dir = freshDir(t);
  chmodSync(dir, 0o711);
  mkdirSync(join(dir, 'closed'), { mode: 0o700 });
  writeFileSync(join(dir, 'closed/app'), '', { mode: 0o755 });
  symlinkSync('closed/app', join(dir, 'link'));
  t.regex(
    (await unreachable(join(dir, 'link'), stranger, 'execute')) ?? '',
    /cannot enter .*\/closed \(mode 0700\)/,
  );
  symlinkSync('loop', join(dir, 'loop'));
  t.regex((await unreachable(join(dir, 'loop'), stranger, 'read')) ?? '', /too many symlinks/);
});

test('what does not exist is said to be missing', async (t) => {
  const dir = freshDir(t);
  chmodSync(dir, 0o711);
  t.is(await unreachable(join(dir, 'a/b'), stranger, 'read'), `${join(dir, 'a')} does not exist`);
});
