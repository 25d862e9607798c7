import { type Command, Option } from 'commander';
import { TenementError } from '../base/errors.js';

/** The flags that work before and after every command. */
export interface Globals {
  readonly server?: string;
  readonly token?: string;
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
  /** False with --no-color. */
  readonly color?: boolean;
}

const GROUP = 'Global options, before or after the command:';

/** Adds the global flags to a command and to all below it; called last, so that they come last in the help. */
export function addGlobals(command: Command): Command {
  command.commands.forEach(addGlobals);
  const flags: [string, string][] = [
    ['--server <url>', 'server to talk to (TENEMENT_SERVER; default: the socket in the data directory)'],
    ['--token <token>', 'its token (TENEMENT_TOKEN; default: the file api_token in the data directory)'],
    ['--config <file>', 'tenement.toml (TENEMENT_CONFIG; default: searched for from here upwards)'],
    ['--data-dir <dir>', "data directory (TENEMENT_DATA_DIR; default: the config's)"],
    ['--json', 'print data as JSON'],
    ['--no-color', 'no colours (also NO_COLOR)'],
  ];
  for (const [name, text] of flags) command.addOption(new Option(name, text).helpGroup(GROUP));
  return command;
}

/** The flags as given anywhere on the line; where one stands twice the later, inner one counts. */
export function globalsOf(command: Command): Globals {
  const chain: Command[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) chain.unshift(at);
  const merged: Record<string, unknown> = {};
  for (const name of ['server', 'token', 'config', 'dataDir', 'json', 'color']) {
    for (const level of chain) {
      if (level.getOptionValueSource(name) === 'cli') merged[name] = level.getOptionValue(name);
    }
  }
  for (const name of ['server', 'token', 'config', 'dataDir']) {
    if (merged[name] === '') {
      throw new TenementError('usage', `--${name === 'dataDir' ? 'data-dir' : name} is empty`);
    }
  }
  return merged;
}

/** A new command below `parent` that says in its usage errors which command it is. */
export function addCommand(parent: Command, usage: string, description: string): Command {
  const command = parent.command(usage).description(description);
  return command.exitOverride((error) => {
    throw Object.assign(error, { usageOf: pathOf(command) });
  });
}

/** `ten env set`, as one types it. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
