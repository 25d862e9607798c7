import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { programWarnings } from '../../../src/config/check-program.js';
import { loadConfig } from '../../../src/config/load.js';
import { configFile } from '../../helpers/config-file.js';
import { freshDir } from '../../helpers/fresh-dir.js';

/** A directory with `bin/there`, which runs, and `bin/closed`, which does not; and what is said of a service there. */
function place(t: ExecutionContext) {
  const dir = freshDir(t);
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'bin', 'directory'));
  writeFileSync(join(dir, 'bin', 'there'), '#!/bin/sh\n');
  chmodSync(join(dir, 'bin', 'there'), 0o755);
  writeFileSync(join(dir, 'bin', 'closed'), '#!/bin/sh\n', { mode: 0o644 });
  const bin = join(dir, 'bin');
  const warnings = (lines: string, path = bin) =>
    programWarnings(loadConfig({ path: configFile(t, `[service.a]\n${lines}\n`, dir) }), path);
  return { dir, bin, warnings };
}

test('a program that is there gives no warning', (t) => {
  const { bin, warnings } = place(t);
  for (const lines of [
    'command = "there --flag"',
    'command = "bin/there"',
    'command = "./there"\nworkdir = "bin"',
    `command = "${bin}/there"`,
    'command = "there"\nargs = ["x"]',
  ])
    t.deepEqual(warnings(lines), [], lines);
  t.deepEqual(warnings('command = "there"', `/nowhere::${bin}`), []);
  t.deepEqual(warnings('command = "sh"', ''), [], 'as the server without a PATH');
});

test('one that is not is named, with where it was looked for', (t) => {
  const { dir, bin, warnings } = place(t);
  t.deepEqual(warnings('command = "missing --token hunter2"'), [
    `service.a.command: the program "missing" is not in PATH (${bin})`,
  ]);
  t.deepEqual(warnings('command = "./missing"'), [`service.a.command: there is no program ${dir}/missing`]);
  t.deepEqual(warnings('command = "bin/directory"'), [
    `service.a.command: there is no program ${bin}/directory`,
  ]);
  t.deepEqual(warnings('command = "directory"').length, 1);
  t.deepEqual(warnings('command = "two words"\nargs = []').length, 1);
});

test('one that cannot be executed, too', (t) => {
  const { bin, warnings } = place(t);
  t.deepEqual(warnings('command = "bin/closed"'), [`service.a.command: ${bin}/closed is not executable`]);
  t.deepEqual(warnings('command = "closed"'), [
    'service.a.command: the program "closed" is not executable where PATH has it',
  ]);
});

test('nothing is said of what is another one for each instance', (t) => {
  const { warnings } = place(t);
  for (const command of ['{data_dir}/{id}/server', 'server-{id}', './{version}/server'])
    t.deepEqual(warnings(`command = "${command}"`), [], command);
  t.deepEqual(warnings('command = "missing"\nenv = { PATH = "{data_dir}/{id}/bin" }'), []);
});

test('the PATH that the service sets is the one that counts', (t) => {
  const { dir, bin, warnings } = place(t);
  t.deepEqual(warnings(`command = "there"\nenv = { PATH = "${bin}" }`, '/nowhere'), []);
  t.is(warnings('command = "there"\nenv = { PATH = "/nowhere" }').length, 1);
  writeFileSync(join(dir, 'secrets'), `PATH=${bin}\n`, { mode: 0o600 });
  t.deepEqual(warnings('command = "there"\nenv_file = "secrets"', '/nowhere'), []);
  t.is(warnings('command = "there"\nenv_file = "none"', '/nowhere').length, 1);
});
