import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { detectApp } from '../../../src/cli/detect-app.js';
import { freshDir } from '../../helpers/fresh-dir.js';

function directoryWith(t: ExecutionContext, files: Record<string, string>): string {
  const directory = freshDir(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

const CASES: [string, Record<string, string>, string, string | undefined][] = [
  ['Python', { 'app.py': 'if self.path == "/health":' }, 'python3 app.py', '/health'],
  ['Python with uv', { 'main.py': '', 'uv.lock': '' }, 'uv run main.py', undefined],
  ['Node without manifest', { 'server.js': '' }, 'node server.js', undefined],
  [
    'Node with a plain start script',
    { 'package.json': '{"scripts":{"start":"node web/app.js"}}', 'web/app.js': "url === '/healthz'" },
    'node web/app.js',
    '/healthz',
  ],
  [
    'Node with another start script',
    { 'package.json': '{"scripts":{"start":"next start"}}' },
    'npm start',
    undefined,
  ],
  ['Node by main', { 'package.json': '{"main":"lib/x.js"}', 'lib/x.js': '' }, 'node lib/x.js', undefined],
  ['Node with a broken manifest', { 'package.json': '{', 'index.js': '' }, 'node index.js', undefined],
  ['Go', { 'go.mod': 'module x', 'main.go': '"/health"' }, './server', '/health'],
  ['Rust', { 'Cargo.toml': '[package]\nname = "notes-rs"\n' }, './target/release/notes-rs', undefined],
  ['Ruby', { 'app.rb': '' }, 'ruby app.rb', undefined],
  ['Rack', { 'config.ru': '', Gemfile: '' }, 'bundle exec puma', undefined],
];

for (const [title, files, command, health] of CASES) {
  test(`detects ${title}`, (t) => {
    const app = detectApp(directoryWith(t, files));
    t.is(app?.command, command);
    t.is(app?.health, health);
  });
}

test('detects one binary, not a script that may be executed', (t) => {
  const directory = directoryWith(t, { 'deploy.sh': '#!/bin/sh\n' });
  chmodSync(join(directory, 'deploy.sh'), 0o755);
  t.is(detectApp(directory), undefined);
  copyFileSync('/bin/true', join(directory, 'server'));
  chmodSync(join(directory, 'server'), 0o755);
  t.is(detectApp(directory)?.command, './server');
});

test('an empty directory is nothing that it knows', (t) => {
  t.is(detectApp(freshDir(t)), undefined);
});
