/** Whether files that services name can be used as they are now. Apart from the other checks: it reads what may be another user's. */
import { existsSync } from 'node:fs';
import { errnoOf, TenementError } from '../base/errors.js';
import { readEnvFile } from './env-file.js';
import type { Problem } from './problem.js';
import type { Config, ServiceConfig } from './schema.js';

export interface FileProblem extends Problem {
  /** It may be that only the user who asks cannot tell. */
  readonly uncertain: boolean;
}

/** Whatever would make starts of instances fail. Values are never repeated. */
export function checkFiles({ service }: Pick<Config, 'service'>): FileProblem[] {
  return Object.entries(service).flatMap(([name, one]) => [...envFile(name, one), ...shown(name, one)]);
}

function envFile(name: string, { env_file }: ServiceConfig): FileProblem[] {
  if (env_file === undefined) return [];
  try {
    readEnvFile(env_file);
    return [];
  } catch (error) {
    if (!(error instanceof TenementError)) throw error;
    const { message, hint, cause, details } = error;
    return [
      {
        path: ['service', name, 'env_file'],
        message: hint === undefined ? message : `${message}. ${hint}`,
        // A server's secrets are often not for whoever checks its configuration.
        uncertain:
          ['EACCES', 'EPERM'].includes(errnoOf(cause) ?? '') ||
          (details.foreign === true && process.geteuid?.() !== 0),
      },
    ];
  }
}

function shown(name: string, service: ServiceConfig): FileProblem[] {
  if (service.isolation === 'process') return [];
  return (['read_only_paths', 'read_write_paths'] as const).flatMap((key) =>
    (service[key] ?? []).flatMap((path, i) =>
      existsSync(path)
        ? []
        : [
            {
              path: ['service', name, key, i],
              message: `${path} does not exist, or cannot be reached`,
              // Also false where a directory on the way is closed.
              uncertain: process.geteuid?.() !== 0,
            },
          ],
    ),
  );
}
