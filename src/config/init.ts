import { writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { errnoOf, TenementError } from '../base/errors.js';
import { assertName, isName } from '../base/names.js';
import { splitCommand } from './command.js';
import { type Detected, detect } from './detect.js';
import { detectHealth } from './detect-health.js';

interface InitOptions {
  /** Directory of the app; tenement.toml is written there. */
  readonly dir: string;
  /** Another place for the file (--config). */
  readonly path?: string | undefined;
  /** Name of the service; by default made from the directory's. */
  readonly name?: string | undefined;
  /** By default found out from the files. */
  readonly command?: string | undefined;
}

export interface InitResult {
  readonly path: string;
  readonly name: string;
  readonly command: string;
  /** What was found, for people. */
  readonly kind: string;
  /** False: no known kind of app is there, and the command in the file is an example. */
  readonly known: boolean;
}

/**
 * Writes a tenement.toml for the app in a directory.
 * @throws TenementError `conflict` when there is one already; `usage` when the command can't be split; `invalid` for a bad name.
 */
export function initConfig({ dir, name, command, ...options }: InitOptions): InitResult {
  const path = resolve(dir, options.path ?? 'tenement.toml');
  const service = name ?? nameFor(basename(resolve(dir)));
  assertName(service, 'service');
  const found = command === undefined ? detect(dir) : { kind: 'command as given', command };
  const detected: Detected = found ?? { kind: 'nothing detected', command: './server' };
  const split = splitCommand(detected.command);
  if ('problem' in split) throw new TenementError('usage', `The command can't be used: ${split.problem}`);
  try {
    // "wx": an existing file is never overwritten, also when it appears in this moment.
    writeFileSync(path, renderConfig(service, detected, detectHealth(dir)), { flag: 'wx', mode: 0o644 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    throw new TenementError('conflict', `${path} exists already`, {
      hint: 'Edit it, or move it away first.',
      cause: error,
    });
  }
  return { path, name: service, command: detected.command, kind: detected.kind, known: found !== undefined };
}

/** "My App" -> "my-app"; "app" when nothing is left. */
function nameFor(directory: string): string {
  const text = directory
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .slice(0, 63)
    .replace(/^[-_]+|[-_]+$/g, '');
  return isName(text) ? text : 'app';
}

/** The file's text. Pure. */
export function renderConfig(name: string, { command, startupTimeout }: Detected, health?: string): string {
  return `# tenement: one process per customer. All keys: docs/configuration.md; check this file with \`ten check\`.

[service.${name}]
command = ${JSON.stringify(command)}   # the app listens on 127.0.0.1:$PORT; {port} can be used here as well
isolation = "process"   # for development; without this line it is "namespace", which keeps customers apart (docs/isolation.md)
idle_timeout = "5m"     # sleep after five minutes without a request; the next one wakes the instance
${startupTimeout === undefined ? '' : `startup_timeout = ${startupTimeout}   # the first start compiles\n`}${health === undefined ? '# health = "/health"' : `health = ${JSON.stringify(health)}`}     # a path that answers 2xx when the app is well; without it, ready means that the port accepts

[service.${name}.env]
DATA_DIR = "{data_dir}/{name}/{id}"   # each customer's own directory; {name} is the service, {id} the customer

[instances]
# ${name} = ["alice", "bob"]   # registered and started at boot; others: ten spawn ${name}:carol

[routing]
tenants = "${name}"   # alice.example.com leads to ${name}:alice
`;
}
