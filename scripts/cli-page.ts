/** docs/cli.md, made from the commands themselves. */
import type { Command } from 'commander';
import { buildProgram } from '../src/cli/program.js';

export function cliPage(): string {
  const program = buildProgram();
  const lines = [
    '# The command line',
    '',
    'This page is made from the program (`npm run docs`); `ten COMMAND --help` shows the same.',
    '',
    ...INTRODUCTION,
    '## Global options',
    '',
    'They work before and after every command.',
    '',
    ...rows('Option', globalOptions(program)),
  ];
  const groups = new Map<string, Command[]>();
  for (const command of visible(program)) {
    const heading = command.helpGroup().replace(/:$/, '');
    groups.set(heading, [...(groups.get(heading) ?? []), command]);
  }
  for (const [heading, commands] of groups) {
    lines.push(`## ${heading}`, '');
    for (const command of commands) lines.push(...section(command, 'ten'));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

const INTRODUCTION = [
  '## How a command finds the server',
  '',
  '1. `--server URL`, or `TENEMENT_SERVER`: over HTTP with a token. The token is `--token`, else `TENEMENT_TOKEN`, else the file',
  '   `api_token` in the data directory.',
  '2. The Unix socket `.tenement/ten.sock` of the data directory. Being able to open it is the permission: no token is needed.',
  '   One that is given by `--token` or `TENEMENT_TOKEN` counts there all the same: a wrong one is refused.',
  '3. `http://localhost:8080`, with the token as above.',
  '',
  'The data directory is `--data-dir`, else `TENEMENT_DATA_DIR`, else `data_dir` of the config that is found, else',
  '`./tenement-data`. The config is `--config`, else `TENEMENT_CONFIG`, else `tenement.toml` here or in a directory above, else',
  '`/etc/tenement/tenement.toml`. When the path of the socket would be too long for the system (107 bytes) it is in a directory',
  'below `/run` or `/tmp` that belongs to the owner of the data directory alone.',
  '',
  '`init`, `check`, `config`, `doctor`, `token-gen` and `token` work without a server.',
  '',
  '## Output and exit codes',
  '',
  'Data goes to stdout, everything else to stderr. An error says what happened, because of what, and what to try:',
  '',
  '```text',
  'error: No server answers at http://127.0.0.1:8080: the connection was refused',
  'because: connect ECONNREFUSED 127.0.0.1:8080',
  'try: `ten serve` starts one; --server or TENEMENT_SERVER names another.',
  '```',
  '',
  '| Exit code | Meaning |',
  '|---|---|',
  '| 0 | done |',
  '| 1 | failed |',
  '| 2 | wrong usage |',
  '',
  '[errors.md](errors.md) has the exit code of every error.',
  '',
];

function visible(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');
}

function section(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`;
  const lines = [
    `### ${name}`,
    '',
    `${capital(command.description())}.`,
    '',
    '```text',
    usage(command, parent),
    '```',
    '',
  ];
  const aliases = command.aliases().map((alias) => `\`${parent} ${alias}\``);
  if (aliases.length > 0) lines.push(`The same as ${aliases.join(', ')}.`, '');
  const help = command.createHelp();
  const details: [string, string][] = [
    ...help
      .visibleArguments(command)
      .map((one): [string, string] => [one.name(), help.argumentDescription(one)]),
    ...help
      .visibleOptions(command)
      .filter((option) => !isGlobal(option.helpGroupHeading) && option.long !== '--help')
      .map((option): [string, string] => [option.flags, help.optionDescription(option)]),
  ];
  if (details.length > 0) lines.push(...rows('Argument or option', details));
  for (const below of visible(command)) lines.push(...section(below, name));
  return lines;
}

function usage(command: Command, parent: string): string {
  return `${parent} ${command.name()} ${command.usage()}`.trimEnd();
}

function globalOptions(program: Command): [string, string][] {
  const help = program.createHelp();
  return help
    .visibleOptions(program)
    .map((option): [string, string] => [option.flags, help.optionDescription(option)]);
}

function isGlobal(heading: string | undefined): boolean {
  return heading?.startsWith('Global options') === true;
}

function rows(title: string, entries: readonly [string, string][]): string[] {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  return [
    `| ${title} | |`,
    '|---|---|',
    ...entries.map(([name, text]) => `| \`${cell(name)}\` | ${cell(text)} |`),
    '',
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
