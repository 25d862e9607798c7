/** The second disk: this build of the project with what its tests need, and Node as it is here. The third: room with project quotas. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { packageRoot } from '../../src/base/package-root.js';
import { type MachineKind, UML_MODULES } from './hardware.js';

export interface Plan {
  readonly kind: MachineKind;
  readonly mode: 'tests' | 'shell';
  /** Titles of the tests to run, as ava's --match; default: all. */
  readonly only: string | undefined;
  /** Without what the ordinary tests run, too. */
  readonly quick: boolean;
  /** As digits; empty: the tests' own number. */
  readonly each: string;
}

const PARTS = [
  ...['package.json', 'package-lock.json', 'LICENSE', 'ava.config.js'],
  ...['bin', 'docs', 'examples', 'scripts', 'src/dashboard', 'systemd', 'test'],
];
/** Tools for writing code, a hundred megabytes of them. */
const TOOLS = [
  '@biomejs',
  '@oxc-parser',
  '@oxc-resolver',
  'typescript',
  'knip',
  'dependency-cruiser',
  '.cache',
];

/** The folder of the build that runs now, from the project's root: `dist`, or a second one. */
const build = relative(packageRoot, fileURLToPath(new URL('../..', import.meta.url)));

/** Makes `project` and `data` in `directory`. */
export async function projectImages(
  directory: string,
  plan: Plan,
): Promise<{ readonly project: string; readonly data: string }> {
  const stage = join(directory, 'stage');
  await mkdir(join(stage, build), { recursive: true });
  const excluded = TOOLS.map((name) => `--exclude=./node_modules/${name}`);
  const copy = 'tar --create --file=- "$@" | tar --extract --no-same-owner --file=- --directory="$0"';
  const paths = [...PARTS, 'node_modules', build].map((path) => `./${path}`);
  await execa('bash', ['-o', 'pipefail', '-c', copy, stage, ...excluded, ...paths], { cwd: packageRoot });
  cpSync(process.execPath, join(stage, '.node'));
  // ava notes there what failed, as whatever user it runs.
  mkdirSync(join(stage, 'node_modules/.cache'), { mode: 0o777 });
  await execa('chmod', ['a+rX,a-s', '--recursive', stage]);
  await execa('chmod', ['1777', join(stage, 'node_modules/.cache')]);
  if (build !== 'dist') await execa('ln', ['--symbolic', '--force', build, join(stage, 'dist')]);
  // Its kernel is this machine's, and not of the image. The image's first steps look for them there (image/recipe.sh).
  if (plan.kind === 'uml') cpSync(UML_MODULES, join(stage, '.modules'), { recursive: true });
  writeFileSync(join(stage, '.machine'), shellVariables(plan));
  const project = join(directory, 'project');
  await makeDisk(project, '1G', ['-L', 'project', '-d', stage]);
  await execa('rm', ['-r', stage]);
  const data = join(directory, 'data');
  await makeDisk(data, '512M', ['-L', 'data', '-O', 'quota,project', '-E', 'quotatype=prjquota']);
  return { project, data };
}

async function makeDisk(path: string, size: string, options: readonly string[]): Promise<void> {
  await execa('truncate', ['--size', size, path]);
  await execa('mke2fs', ['-q', '-t', 'ext4', ...options, path]);
}

function shellVariables({ kind, mode, only, quick, each }: Plan): string {
  const { rows, columns } = process.stdout;
  const variables = {
    BUILD: build,
    KIND: kind,
    MODE: mode,
    ONLY: only ?? '',
    QUICK: quick ? '1' : '',
    EACH: each,
    ROWS: String(rows ?? ''),
    COLUMNS: String(columns ?? ''),
    TERM_OUTSIDE: process.env.TERM ?? '',
  };
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quoted(value)}\n`)
    .join('');
}
