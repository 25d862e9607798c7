/** Which directories a command needs to run when it is not one of the system's: nvm, pyenv, uv, asdf, virtual environments, /opt. */
import { lstat, open, readlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, resolve } from 'node:path';

/** Visible for every isolated instance. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib64'];
/** Directories of version managers in a home, whole: their shims start one program after the other of their own. */
const MANAGERS = [
  '.pyenv',
  '.rbenv',
  '.nodenv',
  '.asdf',
  '.nvm',
  '.volta',
  '.rustup',
  '.cargo',
  '.sdkman',
  '.bun',
  '.deno',
];
const MAX_HOPS = 16;

/** Whether `path` is `directory` or below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === '/' || path.startsWith(`${directory}/`);
}

/**
 * Directories to be made visible, read-only, so that `file` (absolute) runs: of the file itself, of everything that its symlinks lead through, and of the
 * interpreters in the first lines of scripts. `find` looks a program up on the instance's PATH; `env` of `#!/usr/bin/env python3` needs it.
 */
export async function interpreterRoots(
  file: string,
  find: (name: string) => Promise<string | undefined>,
): Promise<string[]> {
  const roots = new Set<string>();
  const pending = [file];
  for (let hops = 0; pending.length > 0 && hops < MAX_HOPS; hops += 1) {
    const path = pending.pop() ?? '';
    if (!SYSTEM.some((directory) => isWithin(path, directory))) roots.add(rootOf(path));
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isSymbolicLink()) {
      pending.push(resolve(dirname(path), await readlink(path).catch(() => '.')));
    } else if (stats?.isFile()) {
      const next = await scriptInterpreter(path);
      const [program, argument] = next ?? [];
      if (program !== undefined) pending.push(program);
      if (basename(program ?? '') === 'env' && argument !== undefined) {
        const found = await find(argument);
        if (found !== undefined) pending.push(found);
      }
    }
  }
  return [...roots];
}

/**
 * Pure: the directory with the program's own libraries: the parent of its `bin`, or a version manager's own. Never a home directory, the root or
 * ~/.local, in which much lies that is not the program's: then it is the directory of the file alone.
 */
export function rootOf(path: string, home = homedir()): string {
  const parts = path.split('/');
  const manager = parts.findIndex((part) => MANAGERS.includes(part));
  if (manager > 0) return parts.slice(0, manager + 1).join('/');
  const directory = dirname(path);
  const parent = dirname(directory);
  const wide = (candidate: string): boolean =>
    candidate.split('/').length <= 2 || isWithin(home, candidate) || /^\/home\/[^/]+$/.test(candidate);
  const isPart = ['bin', 'sbin', 'shims', 'libexec'].includes(basename(directory));
  if (!isPart) return wide(directory) ? path : directory;
  return wide(parent) || basename(parent) === '.local' ? directory : parent;
}

/** The words after `#!`: the interpreter and its first argument. */
async function scriptInterpreter(path: string): Promise<string[] | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    const line = buffer.toString('latin1', 0, bytesRead).split('\n')[0] ?? '';
    if (!line.startsWith('#!')) return undefined;
    const words = line.slice(2).trim().split(/\s+/);
    // `env -S python3 -u`
    return words[1] === '-S' ? [words[0] ?? '', ...words.slice(2)] : words;
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}
