/** Which file a command is. Looked up here, before anything is started, because wrapper programs would hide that it does not exist. */
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TenementError } from '../src/base/errors.js';
import { unreachable } from './access.js';
import type { Identity } from './contract.js';

/** Where to look: the environment, directory and user that the command will have. */
export interface Place {
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly identity: Identity | undefined;
}

/**
 * The absolute path of `command`, as execvp(3) would find it: one with a slash is relative to the directory, others are looked up on
 * PATH, where files that the user cannot execute are passed over. Relative PATH entries are not searched: the tenant could write there.
 * @throws TenementError `start_failed` (not found, not executable), `path_unreachable` (exists, but not for that user).
 */
export async function which(command: string, place: Place): Promise<string> {
  const path = place.env.PATH ?? '';
  const candidates = command.includes('/')
    ? [resolve(place.directory, command)]
    : path
        .split(':')
        .filter((directory) => directory.startsWith('/'))
        .map((directory) => join(directory, command));
  let refusal: TenementError | undefined;
  for (const file of command === '' ? [] : candidates) {
    const stats = await stat(file).catch(() => undefined);
    if (stats === undefined || stats.isDirectory()) continue;
    const problem = await refuse(file, stats, place.identity);
    if (problem === undefined) return file;
    refusal ??= problem;
  }
  throw refusal ?? notFound(command, candidates[0], path);
}

async function refuse(
  file: string,
  stats: Stats,
  identity: Identity | undefined,
): Promise<TenementError | undefined> {
  if ((stats.mode & 0o111) === 0) return notExecutable(file, stats.mode);
  if (identity !== undefined) {
    const problem = await unreachable(file, identity, 'execute');
    return problem === undefined ? undefined : new TenementError('path_unreachable', problem);
  }
  return access(file, constants.X_OK).then(
    () => undefined,
    () => notExecutable(file, stats.mode),
  );
}

function notExecutable(file: string, mode: number): TenementError {
  return new TenementError(
    'start_failed',
    `${file} is not executable (mode 0${(mode & 0o7777).toString(8).padStart(3, '0')})`,
    { hint: `Make it executable (chmod +x), or name its interpreter in the service's \`command\`.` },
  );
}

function notFound(command: string, candidate: string | undefined, path: string): TenementError {
  const hint = "Correct the service's `command`, install the program, or set PATH in the service's `env`.";
  if (command.includes('/')) {
    return new TenementError('start_failed', `the command ${candidate} does not exist`, { hint });
  }
  const where = path === '' ? 'PATH, which is not set' : `PATH (${path})`;
  return new TenementError('start_failed', `the command "${command}" was not found on ${where}`, { hint });
}
