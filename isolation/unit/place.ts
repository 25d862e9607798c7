/** What a unit needs on the disk while it runs: an empty directory to become its root, and its environment. On tmpfs, closed to everybody else. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../../src/base/errors.js';
import { Mutex } from '../../src/base/mutex.js';
import type { SystemView } from '../system-view.js';

export interface Place {
  readonly directory: string;
  readonly root: string;
  readonly environment: string;
  /** What was made of it, where it stays when the run ends. */
  readonly plan: string;
}

/** A file that it has for itself. */
interface OwnFile {
  readonly path: string;
  readonly text: string;
}

const PLACES = '/run/tenement';
/** Of somebody who removes it meanwhile, or makes the same one. */
const ATTEMPTS = 10;

/** One for each unit, as there is one run of a unit at a time. Not under its name: systemd takes a backslash in a path as quoting. */
export function placeOf(unit: string, places = PLACES): Place {
  const directory = join(places, createHash('sha256').update(unit).digest('hex').slice(0, 24));
  return {
    directory,
    root: join(directory, 'root'),
    environment: join(directory, 'env'),
    plan: join(directory, 'plan'),
  };
}

/**
 * Instead of what is there. Places of mounts are made by systemd.
 *
 * Built beside it and moved there: the stop of an earlier run, another server or `ten uninstall` may take the place away at any
 * moment, which then is gone as a whole, and systemd never starts an app with half of its environment.
 */
export function makePlace(
  place: Place,
  environment: string,
  system: Pick<SystemView, 'links' | 'targets'>,
  files: readonly OwnFile[],
): Promise<void> {
  return inTurn(place, async () => {
    for (let attempt = 1; ; attempt += 1) {
      const incoming = aside(place);
      try {
        await mkdir(dirname(place.directory), { recursive: true, mode: 0o700 });
        await fill(place, incoming, environment, system, files);
        await takeAway(place);
        return await rename(incoming, place.directory);
      } catch (error) {
        await rm(incoming, { recursive: true, force: true });
        const isMoved = ['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '');
        if (!isMoved || attempt === ATTEMPTS) throw error;
      }
    }
  });
}

async function fill(
  place: Place,
  incoming: string,
  environment: string,
  system: Pick<SystemView, 'links' | 'targets'>,
  files: readonly OwnFile[],
): Promise<void> {
  const root = join(incoming, basename(place.root));
  await mkdir(incoming, { mode: 0o700 });
  await mkdir(root, { mode: 0o755 });
  // systemd would make it for root alone, and an app may lie in there.
  await mkdir(join(root, 'root'), { mode: 0o755 });
  await writeFile(join(incoming, basename(place.environment)), environment, { mode: 0o600 });
  for (const path of system.links) {
    const target = system.targets.get(path);
    // Those of /dev are systemd's.
    if (target === undefined || path.startsWith('/dev/')) continue;
    await mkdir(dirname(root + path), { recursive: true, mode: 0o755 });
    await symlink(target, root + path);
  }
  for (const { path, text } of files) {
    await mkdir(dirname(root + path), { recursive: true, mode: 0o755 });
    await writeFile(root + path, text, { mode: 0o644 });
  }
}

/**
 * Another environment for the next start, at one moment: systemd may read it right now. `false`: the place has been taken away.
 */
export async function replaceEnvironment({ environment }: Place, text: string): Promise<boolean> {
  const incoming = `${environment}.${randomUUID()}`;
  try {
    await writeFile(incoming, text, { mode: 0o600 });
    await rename(incoming, environment);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return false;
  }
}

/** Idempotent. */
export function removePlace(place: Place): Promise<void> {
  return inTurn(place, () => takeAway(place));
}

/** At one moment for all who look, and with it what a server that was killed has left of it. */
async function takeAway(place: Place): Promise<void> {
  const gone = aside(place);
  try {
    await rename(place.directory, gone);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const parent = dirname(place.directory);
  const prefix = `${basename(place.directory)}.`;
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    const [pid = ''] = name.slice(prefix.length).split('.');
    if (path === gone || !existsSync(`/proc/${pid}`)) await rm(path, { recursive: true, force: true });
  }
}

/** A name that nobody else has; by the pid it is known whether somebody is still at work there. */
function aside({ directory }: Place): string {
  return `${directory}.${process.pid}.${randomUUID()}`;
}

const turns = new Map<string, Mutex>();

/** One after the other within this server: whoever came first is done with a place before the next begins. */
async function inTurn({ directory }: Place, act: () => Promise<void>): Promise<void> {
  const turn = turns.get(directory) ?? new Mutex();
  turns.set(directory, turn);
  try {
    await turn.run(act);
  } finally {
    if (!turn.busy) turns.delete(directory);
  }
}
