/** The copy of a program that root runs. */
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ownProgram } from '../../../src/install/program.js';
import { freshDir } from '../../helpers/fresh-dir.js';

/** A checkout with files of these modes, and the compiled code of this one. */
function checkout(t: ExecutionContext, modes: { directory: number; file: number; command: number }): string {
  const root = freshDir(t);
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, 'src/dashboard'), { recursive: true });
  writeFileSync(join(root, 'bin/ten'), '#!/bin/sh\n');
  writeFileSync(join(root, 'src/dashboard/app.js'), '');
  writeFileSync(join(root, 'package.json'), '{ "name": "tenement" }');
  writeFileSync(join(root, 'package-lock.json'), '{ "packages": {} }');
  for (const name of ['package.json', 'package-lock.json', 'src/dashboard/app.js'])
    chmodSync(join(root, name), modes.file);
  for (const name of ['bin', 'src/dashboard']) chmodSync(join(root, name), modes.directory);
  chmodSync(join(root, 'bin/ten'), modes.command);
  return root;
}

for (const [title, modes] of Object.entries({
  'everybody can write': { directory: 0o777, file: 0o666, command: 0o4777 },
  'nobody else can read': { directory: 0o700, file: 0o600, command: 0o700 },
})) {
  test(`of a checkout that ${title}, the copy is for all to read and for its owner to write`, async (t) => {
    const to = join(freshDir(t), 'programs', '1.0.0');
    await ownProgram(checkout(t, modes)).copyTo(to);
    const wrong = readdirSync(to, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      .map((entry) => [join(entry.parentPath, entry.name), entry.isDirectory()] as const)
      .filter(([path, isDirectory]) => {
        const mode = statSync(path).mode & 0o7777;
        return mode !== 0o755 && (isDirectory || mode !== 0o644);
      });
    t.deepEqual(wrong, []);
    t.is(statSync(join(to, 'bin/ten')).mode & 0o7777, 0o755);
    t.is(statSync(join(to, 'package.json')).mode & 0o7777, 0o644);
  });
}

test('a copy that fails leaves nothing', async (t) => {
  const root = checkout(t, { directory: 0o755, file: 0o644, command: 0o755 });
  const programs = join(freshDir(t), 'programs');
  mkdirSync(join(programs, '1.0.0/in-the-way'), { recursive: true });
  await t.throwsAsync(ownProgram(root).copyTo(join(programs, '1.0.0')), { code: 'ENOTEMPTY' });
  t.deepEqual(readdirSync(programs), ['1.0.0']);
});
