import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { commandWords } from '../../../src/config/command.js';
import { initConfig } from '../../../src/config/init.js';
import { loadConfig } from '../../../src/config/load.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const apps: [title: string, files: Record<string, string>, command: string][] = [
  ['Node with a start script', { 'package.json': '{"scripts":{"start":"node x"}}' }, 'npm start'],
  ['Node with main', { 'package.json': '{"main":"lib/a.js"}', 'lib/a.js': '' }, 'node lib/a.js'],
  ['Node with a broken package.json', { 'package.json': '{', 'server.js': '' }, 'node server.js'],
  ['Python', { 'app.py': '' }, 'python3 app.py'],
  ['Python with uv', { 'pyproject.toml': '', 'main.py': '' }, 'uv run python main.py'],
  [
    'Python with a package.json for its assets',
    { 'app.py': '', 'package.json': '{"scripts":{"start":"x"}}' },
    'python3 app.py',
  ],
  ['Go module', { 'go.mod': '', 'main.go': '' }, 'go run .'],
  ['Go file', { 'main.go': '' }, 'go run main.go'],
  ['Rust', { 'Cargo.toml': '' }, 'cargo run --release'],
  ['Rack', { 'config.ru': '', Gemfile: '' }, 'bundle exec rackup --host 127.0.0.1 --port {port}'],
  ['Ruby', { 'app.rb': '' }, 'ruby app.rb'],
];

for (const [title, files, command] of apps) {
  test(`${title}: the file that is written loads and can be started by this version`, (t) => {
    const dir = join(freshDir(t), 'My App');
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(dir, file, '..'), { recursive: true });
      writeFileSync(join(dir, file), text);
    }
    const result = initConfig({ dir });
    t.is(result.name, 'my-app');
    t.is(result.command, command);
    t.truthy(result.kind);
    const service = loadConfig({ path: result.path }).service['my-app'];
    t.is(service?.command, command);
  });
}

test('a program in the directory', (t) => {
  const dir = freshDir(t);
  copyFileSync('/bin/sh', join(dir, 'server'));
  chmodSync(join(dir, 'server'), 0o755);
  writeFileSync(join(dir, 'run'), '#!/bin/sh\n', { mode: 0o755 });
  t.is(initConfig({ dir }).command, './server');
});

test('name and command can be given', (t) => {
  const dir = freshDir(t);
  const result = initConfig({
    dir,
    name: 'web',
    command: `./app --greeting "hello \\"you\\"" --port {port}`,
  });
  t.true(result.known);
  const service = loadConfig({ path: result.path }).service.web;
  t.deepEqual(service && commandWords(service), ['./app', '--greeting', 'hello "you"', '--port', '{port}']);
});

test('an existing file is never overwritten', (t) => {
  const dir = freshDir(t);
  const path = join(dir, 'tenement.toml');
  writeFileSync(path, 'mine');
  const error = t.throws(() => initConfig({ dir, command: 'x' }), { instanceOf: TenementError });
  t.is(error.code, 'conflict');
  t.is(readFileSync(path, 'utf8'), 'mine');
});

test('what can’t work is refused before anything is written', (t) => {
  const dir = freshDir(t);
  t.is(t.throws(() => initConfig({ dir, command: 'a | b' }), { instanceOf: TenementError }).code, 'usage');
  t.is(
    t.throws(() => initConfig({ dir, command: 'a', name: 'A B' }), { instanceOf: TenementError }).code,
    'invalid',
  );
  t.throws(() => readFileSync(join(dir, 'tenement.toml')), { code: 'ENOENT' });
});

test('a directory with no known kind of app gets an example to fill in', (t) => {
  const result = initConfig({ dir: freshDir(t) });
  t.false(result.known);
  t.truthy(loadConfig({ path: result.path }));
});

test('the health path that the source mentions is used', (t) => {
  const dir = freshDir(t);
  writeFileSync(join(dir, 'app.py'), 'if self.path == "/healthz":\n');
  const result = initConfig({ dir, name: 'web' });
  t.is(loadConfig({ path: result.path }).service.web?.health, '/healthz');
});
