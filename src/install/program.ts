/** The program that runs, as files to be copied: the compiled code and the packages that it needs, without those of development. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { chmod, cp, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot, version } from '../base/package-root.js';

/** Compiled code is in `dist` there, wherever it is here. */
const build = fileURLToPath(new URL('../..', import.meta.url));
const CODE = ['src', 'isolation', 'systemd'];
const FILES = ['package.json', 'package-lock.json', 'bin', 'LICENSE', 'src/dashboard'];

/** Sources of a native module, and what its compiler left: nothing that runs. */
const NEEDLESS = [
  join('better-sqlite3', 'deps'),
  join('better-sqlite3', 'src'),
  join('better-sqlite3', 'build', 'Release', 'obj'),
  join('better-sqlite3', 'build', 'Release', 'obj.target'),
  join('better-sqlite3', 'build', 'Release', '.deps'),
];

export interface Program {
  readonly version: string;
  /** SHA-256, hexadecimal, of all that makes it another program. */
  readonly digest: string;
  /** Makes `directory`, whole or not at all. */
  copyTo(directory: string): Promise<void>;
}

interface LockFile {
  readonly packages?: Readonly<Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>>;
}

/** From where, and its name below the program's directory. */
type Part = readonly [path: string, name: string];

/** The program that this process is. */
export function ownProgram(root = packageRoot): Program {
  const parts: Part[] = [
    ...FILES.filter((name) => existsSync(join(root, name))).map((name) => [join(root, name), name] as const),
    ...CODE.map((name) => [join(build, name), join('dist', name)] as const),
  ];
  const packages = neededPackages(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))).filter(
    (path) => existsSync(join(root, path)),
  );
  const digest = digestOf(parts);
  return {
    version,
    digest,
    async copyTo(directory: string) {
      // A copy that was interrupted must not look like a version.
      const incoming = join(dirname(directory), `.incoming-${basename(directory)}`);
      await rm(incoming, { recursive: true, force: true });
      await mkdir(incoming, { recursive: true, mode: 0o755 });
      for (const [from, to] of parts) await copy(from, join(incoming, to));
      for (const path of packages) await copy(join(root, path), join(incoming, path));
      await chmod(incoming, 0o755);
      await rename(incoming, directory);
    },
  };
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, {
    recursive: true,
    // Packages below are listed by themselves, when they are needed.
    filter: (source) =>
      !relative(from, source).split(sep).includes('node_modules') &&
      !NEEDLESS.some((part) => source.endsWith(`${sep}${part}`)),
  });
}

/** Pure: paths of the packages in a lock file (version 2 or 3) that are neither for development nor optional. */
export function neededPackages(lock: LockFile): string[] {
  return Object.entries(lock.packages ?? {})
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional)
    .map(([path]) => path)
    .sort();
}

/** Of names and contents. What packages are there stands in the lock file, which is among the parts. */
function digestOf(parts: readonly Part[]): string {
  const hash = createHash('sha256');
  const add = (path: string, name: string) => {
    if (statSync(path).isDirectory()) {
      for (const entry of readdirSync(path).sort()) add(join(path, entry), `${name}/${entry}`);
    } else hash.update(`${name}\0`).update(readFileSync(path)).update('\0');
  };
  for (const [path, name] of parts) add(path, name);
  return hash.digest('hex');
}
