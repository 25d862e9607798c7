import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { which } from '../../../isolation/which.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const identity = { uid: 1_900_200_001, gid: 1_900_200_001 };

function place(directory: string) {
  for (const name of ['first', 'second']) {
    mkdirSync(join(directory, name), { mode: 0o755 });
    writeFileSync(join(directory, name, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
  }
  chmodSync(directory, 0o711);
  return { env: { PATH: `${directory}/first:${directory}/second` }, directory, identity: undefined };
}

test('the first on PATH wins', async (t) => {
  const where = place(freshDir(t));
  t.is(await which('tool', where), join(where.directory, 'first/tool'));
});

test('what cannot be executed is passed over, and named only if nothing else is found', async (t) => {
  const where = place(freshDir(t));
  chmodSync(join(where.directory, 'first/tool'), 0o644);
  t.is(await which('tool', where), join(where.directory, 'second/tool'));
  chmodSync(join(where.directory, 'second/tool'), 0o600);
  await t.throwsAsync(which('tool', where), {
    code: 'start_failed',
    message: /first\/tool is not executable \(mode 0644\)/,
  });
});

test('for another user, what that user cannot reach is passed over', async (t) => {
  const where = { ...place(freshDir(t)), identity };
  chmodSync(join(where.directory, 'first'), 0o700);
  t.is(await which('tool', where), join(where.directory, 'second/tool'));
  chmodSync(join(where.directory, 'second'), 0o700);
  await t.throwsAsync(which('tool', where), {
    code: 'path_unreachable',
    message: /cannot enter .*\/first \(mode 0700\)/,
  });
});

test('with a slash it is relative to the directory', async (t) => {
  const where = place(freshDir(t));
  t.is(await which('second/tool', where), join(where.directory, 'second/tool'));
  await t.throwsAsync(which('./tool', where), { code: 'start_failed', message: /\/tool does not exist/ });
});

test('relative entries of PATH are not searched', async (t) => {
  const where = place(freshDir(t));
  await t.throwsAsync(which('tool', { ...where, env: { PATH: 'first::.' } }), { code: 'start_failed' });
});

test('the message names the command and PATH', async (t) => {
  const where = place(freshDir(t));
  await t.throwsAsync(which('pyhton3', { ...where, env: { PATH: '/usr/bin' } }), {
    message: 'the command "pyhton3" was not found on PATH (/usr/bin)',
  });
  await t.throwsAsync(which('tool', { ...where, env: {} }), { message: /PATH, which is not set/ });
  await t.throwsAsync(which('', where), { code: 'start_failed' });
});
