import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { interpreterRoots, rootOf } from '../../../isolation/interpreter.js';

test('the directory of a program with its libraries', (t) => {
  for (const [path, root] of [
    ['/root/.pyenv/shims/python3', '/root/.pyenv'],
    ['/home/ann/.nvm/versions/node/v20.1.0/bin/node', '/home/ann/.nvm'],
    [
      '/home/ann/.local/share/uv/python/cpython-3.12/bin/python3.12',
      '/home/ann/.local/share/uv/python/cpython-3.12',
    ],
    ['/srv/app/.venv/bin/python', '/srv/app/.venv'],
    ['/opt/go/bin/go', '/opt/go'],
    ['/srv/app/server', '/srv/app'],
    // Never a whole home, ~/.local or a directory of the root.
    ['/home/ann/.local/bin/uv', '/home/ann/.local/bin'],
    ['/home/ann/bin/tool', '/home/ann/bin'],
    ['/home/ann/server', '/home/ann/server'],
    ['/root/server', '/root/server'],
    ['/data/server', '/data/server'],
    ['/opt/bin/tool', '/opt/bin'],
  ] as const) {
    t.is(rootOf(path, '/root'), root, path);
  }
});

function tree(t: ExecutionContext): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tenement-interpreter-')));
  t.teardown(() => rmSync(dir, { recursive: true }));
  return dir;
}

function program(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

test('symlinks and the first lines of scripts are followed to all that is needed', async (t) => {
  const dir = tree(t);
  const real = program(join(dir, 'python/3.12/bin/python3.12'), '\x7fELF');
  mkdirSync(join(dir, 'app/.venv/bin'), { recursive: true });
  const venv = join(dir, 'app/.venv/bin/python');
  symlinkSync(real, venv);
  const script = program(join(dir, 'tools/x/bin/serve'), `#!${venv} -u\nprint(1)\n`);
  const roots = await interpreterRoots(script, async () => undefined);
  t.deepEqual(roots.sort(), [join(dir, 'app/.venv'), join(dir, 'python/3.12'), join(dir, 'tools/x')]);
});

test('env looks its program up on the path', async (t) => {
  const dir = tree(t);
  const node = program(join(dir, 'node/bin/node'), '\x7fELF');
  for (const line of ['#!/usr/bin/env node', '#!/usr/bin/env -S node --flag']) {
    const script = program(join(dir, 'tools/x/bin/npm'), `${line}\n`);
    const roots = await interpreterRoots(script, async (name) => (name === 'node' ? node : undefined));
    t.true(roots.includes(join(dir, 'node')), line);
  }
});

test("the system's own programs need nothing, and links in a circle end", async (t) => {
  t.deepEqual(await interpreterRoots('/usr/bin/env', async () => undefined), []);
  const dir = tree(t);
  symlinkSync(join(dir, 'b'), join(dir, 'a'));
  symlinkSync(join(dir, 'a'), join(dir, 'b'));
  t.true((await interpreterRoots(join(dir, 'a'), async () => undefined)).length > 0);
});
