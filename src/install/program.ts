/** The program that runs, as files to be copied: the compiled code and the packages that it needs, without those of development. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
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
  /** Absolute path of the directory that it runs from. */
  readonly at: string;
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
    at: realpathSync(root),
    digest,
    async copyTo(directory: string) {
      // A copy that was interrupted must not look like a version.
      const incoming = join(dirname(directory), `.incoming-${basename(directory)}`);
      await rm(incoming, { recursive: true, force: true });
      await mkdir(incoming, { recursive: true, mode: 0o755 });
      try {
        for (const [from, to] of parts) await copy(from, join(incoming, to));
        for (const path of packages) await copy(join(root, path), join(incoming, path));
        await closeToOthers(incoming);
        // Else the machine may go down with the name on the disk, and what is in the files not.
        await execa('sync', ['--file-system', incoming], { reject: false });
        await rename(incoming, directory);
      } catch (error) {
        await rm(incoming, { recursive: true, force: true });
        throw error;
      }
    },
  };
}

/** Of a checkout that others can write, root must not run a copy that they can write, too; and of a closed one, all may call the command. */
async function closeToOthers(path: string): Promise<void> {
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) return;
  const runs = stats.isDirectory() || (stats.mode & 0o100) !== 0;
  await chmod(path, runs ? 0o755 : 0o644);
  if (stats.isDirectory()) for (const name of await readdir(path)) await closeToOthers(join(path, name));
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
  // Native modules are built for one: the same program for another Node is another one.
  hash.update(process.versions.modules);
  return hash.digest('hex');
}
