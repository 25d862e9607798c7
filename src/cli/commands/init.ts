import type { Command } from 'commander';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

export function addInit(program: Command): void {
  addCommand(program, 'init', 'write a tenement.toml for the app in this directory')
    .option('--name <name>', "the service's name (default: the directory's)")
    .option('--command <command>', 'how the app is started (default: detected)')
    .action(async (options: { name?: string; command?: string }, command: Command) => {
      const { globals, out } = contextOf(command);
      const { initConfig } = await import('../../config/init.js');
      const done = initConfig({ dir: process.cwd(), path: globals.config, ...options });
      if (out.json) return out.printJson(done);
      out.print(`Wrote ${done.path} (${done.kind})`);
      if (!done.known) out.note('No known kind of app is here: put its command in the file.');
      out.print(`Next: \`ten serve\`, then \`ten spawn ${done.name}:alice\``);
    });
}
