/** The disk of a release of Debian: built when its recipe changed, else taken from the cache. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../../src/base/package-root.js';
import { CannotRun } from '../../helpers/cannot-run.js';
import { runGroup } from '../../helpers/run-group.js';
import { step } from '../../helpers/steps.js';
import { mirrorOf } from './mirror.js';

export const RELEASES = ['bookworm', 'trixie'] as const;
export type Release = (typeof RELEASES)[number];
/** What it takes to build one, by program: packages of Debian. */
export const TOOLS = { mmdebstrap: 'mmdebstrap', mke2fs: 'e2fsprogs', xz: 'xz-utils' };

export interface Image {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
}

const KEEP_UNUSED_MS = 30 * 24 * 3600 * 1000;
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tenement-vm');

/** @throws CannotRun when the packages cannot be had */
export async function image(release: Release, signal: AbortSignal): Promise<Image> {
  const recipe = join(packageRoot, 'test/vm/image/recipe.sh');
  const hash = createHash('sha256')
    .update(await readFile(recipe))
    .digest('hex')
    .slice(0, 12);
  const directory = join(CACHE, `${release}-${hash}`);
  if (!existsSync(directory)) await build(recipe, release, directory, signal);
  await utimes(directory, new Date(), new Date());
  await removeUnused();
  const file = (name: string): string => join(directory, name);
  return { disk: file('disk'), kernel: file('kernel'), initrd: file('initrd') };
}

async function build(
  recipe: string,
  release: Release,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const mirror = await findMirror();
  await mkdir(CACHE, { recursive: true });
  // Its mounts are its own, and end with it.
  const command = ['unshare', '--mount', 'bash', recipe, release, mirror, directory];
  const building = runGroup('nice', command, signal);
  const { exitCode, all } = await step(`building a machine with Debian ${release}, once`, building);
  if (exitCode === 0) return;
  signal.throwIfAborted();
  const said = `${all}`.split('\n').slice(-15).join('\n');
  throw new CannotRun(`the machine with Debian ${release} could not be built from ${mirror}:\n${said}`);
}

async function findMirror(): Promise<string> {
  const given = process.env.TENEMENT_DEBIAN_MIRROR;
  if (given) return given;
  const parts = '/etc/apt/sources.list.d';
  const names = (await readdir(parts).catch(() => [])).filter((name) => /\.(list|sources)$/.test(name));
  const files = ['/etc/apt/sources.list', ...names.map((name) => join(parts, name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  const os = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(os)?.[1] ?? '';
  const mirror = /^ID=debian$/m.test(os) ? mirrorOf(texts, codename) : undefined;
  if (mirror !== undefined) return mirror;
  throw new CannotRun('no mirror of Debian is known here: set TENEMENT_DEBIAN_MIRROR to one');
}

/** Of earlier recipes. A machine that runs from one of them keeps its open files. */
async function removeUnused(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const path = join(CACHE, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs < Date.now() - KEEP_UNUSED_MS) await rm(path, { recursive: true, force: true });
  }
}
