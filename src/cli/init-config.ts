import { writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { errnoOf, TenementError } from '../base/errors.js';
import { assertName, isName } from '../base/names.js';
import { detectApp } from './detect-app.js';

interface InitOptions {
  readonly name?: string;
  readonly command?: string;
  /** From --config; a file that does not exist yet. */
  readonly path?: string | undefined;
}

export interface InitResult {
  readonly file: string;
  readonly name: string;
  readonly command: string;
  /** What the app looks like: "Python app", "command as given". */
  readonly detected: string;
  /** What remains to be done by hand. */
  readonly remarks: readonly string[];
}

/** @throws TenementError conflict when the file exists; invalid for a bad name */
export function initConfig(directory: string, options: InitOptions): InitResult {
  const file = resolve(directory, options.path ?? 'tenement.toml');
  const name = options.name ?? nameOf(directory);
  assertName(name, 'service');
  const app =
    options.command === undefined
      ? detectApp(directory)
      : { kind: 'command as given', command: options.command, health: undefined, remark: undefined };
  const command = app?.command ?? './server';
  try {
    writeFileSync(file, configText(name, command, app?.health), { flag: 'wx' });
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') {
      throw new TenementError('conflict', `${file} exists already`, {
        hint: 'Edit it, or move it away first.',
      });
    }
    throw new TenementError('conflict', `${file} cannot be written`, {
      hint: 'Check the permissions.',
      cause,
    });
  }
  const remarks = [
    ...(app === undefined ? ['No known kind of app is here: put its command in the file.'] : []),
    ...(app?.remark === undefined ? [] : [app.remark]),
  ];
  return { file, name, command, detected: app?.kind ?? 'nothing detected', remarks };
}

function nameOf(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .slice(0, 63)
    .replace(/^[-_]+|[-_]+$/g, '');
  return isName(name) ? name : 'app';
}

/** The directory is one segment that is exactly {id}: such paths go with every isolation. */
function configText(name: string, command: string, health: string | undefined): string {
  return `# docs/configuration.md lists all keys; \`ten check\` validates this file.

[service.${name}]
# It listens on 127.0.0.1:$PORT. There is one process per instance: \`ten spawn ${name}:alice\`.
command = ${JSON.stringify(command)}
${health === undefined ? '# health = "/health"       # without it, ready = the port accepts connections' : `health = ${JSON.stringify(health)}`}
isolation = "process"       # an ordinary process: for development and for code that you trust
idle_timeout = 300          # seconds; the next request wakes it

[service.${name}.env]
DATA_DIR = "{data_dir}/${name}/{id}"   # each instance has a directory of its own

[routing]
tenants = "${name}"           # alice.localhost reaches ${name}:alice, as alice.${name}.localhost does
`;
}
