import type { Command } from 'commander';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

export function addInit(program: Command): void {
  addCommand(program, 'init', 'write a tenement.toml for the app in this directory')
    .option('--name <name>', "the service's name (default: the directory's)")
    .option('--command <command>', 'how the app is started (default: detected)')
    .action(async (options: { name?: string; command?: string }, command: Command) => {
      const { globals, out } = contextOf(command);
      const { initConfig } = await import('../init-config.js');
      const done = initConfig(process.cwd(), { ...options, path: globals.config });
      if (out.json) return out.printJson(done);
      out.print(`Wrote ${done.file} (${done.detected})`);
      for (const remark of done.remarks) out.note(remark);
      out.print(`Next: \`ten serve\`, then \`ten spawn ${done.name}:alice\``);
    });
}
