/** Whether the programs that services name are there. Looks at the disk, as whoever asks; nothing is run. */
import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errnoOf } from '../base/errors.js';
import { splitService } from './command.js';
import { readEnvFile } from './env-file.js';
import { DEFAULT_PATH } from './instance-env.js';
import { formatPath } from './problem.js';
import type { Config, ServiceConfig } from './schema.js';
import { templateNames } from './template.js';

/**
 * One line for each service whose program would not be found, or not be executed. A warning, since it may be installed later, be seen by
 * another user only, or stand in a PATH that the server has and this shell has not.
 * @param ownPath PATH of whoever asks: the server's, as far as is known
 */
export function programWarnings({ service }: Pick<Config, 'service'>, ownPath: string | undefined): string[] {
  return Object.entries(service).flatMap(([name, one]) => {
    const problem = programProblem(one, ownPath || DEFAULT_PATH);
    return problem === undefined ? [] : [`${formatPath(['service', name, 'command'])}: ${problem}`];
  });
}

function programProblem(service: ServiceConfig, serverPath: string): string | undefined {
  const split = splitService(service);
  const program = 'words' in split ? split.words[0] : undefined;
  // Another one for each instance: nothing can be said of it.
  if (program === undefined || templateNames(program).length > 0) return undefined;
  if (program.includes('/')) {
    const file = resolve(service.workdir, program);
    const found = look(file);
    if (found === 'missing') return `there is no program ${file}`;
    return found === 'closed' ? `${file} is not executable` : undefined;
  }
  const path = pathOf(service) ?? serverPath;
  if (templateNames(path).length > 0) return undefined;
  const places = path.split(':').map((directory) => look(join(resolve(service.workdir, directory), program)));
  if (places.includes('runs') || places.includes('unknown')) return undefined;
  return places.includes('closed')
    ? `the program "${program}" is not executable where PATH has it`
    : `the program "${program}" is not in PATH (${path})`;
}

/** PATH as the service itself sets it. */
function pathOf({ env, env_file }: ServiceConfig): string | undefined {
  if (env.PATH !== undefined || env_file === undefined) return env.PATH;
  try {
    return readEnvFile(env_file).PATH;
  } catch {
    // That it cannot be read is told by check-files.ts.
    return undefined;
  }
}

/** `unknown`: a directory on the way is closed to who asks, and what is in it is the server's to know. */
function look(file: string): 'runs' | 'closed' | 'missing' | 'unknown' {
  try {
    if (!statSync(file).isFile()) return 'missing';
  } catch (error) {
    return errnoOf(error) === 'EACCES' ? 'unknown' : 'missing';
  }
  try {
    accessSync(file, constants.X_OK);
    return 'runs';
  } catch {
    return 'closed';
  }
}
