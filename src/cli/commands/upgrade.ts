import type { Command } from 'commander';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

interface Options {
  dryRun?: boolean;
}

export function addUpgrade(program: Command): void {
  addCommand(
    program,
    'upgrade',
    'install the program that this command is part of as a new version, and restart the service',
  )
    .option('--dry-run', 'print everything that would be written and run, and do nothing')
    .action(async (options: Options, command: Command) => {
      const { out } = contextOf(command);
      const { upgrade } = await import('../run-install.js');
      await upgrade({ command: 'ten upgrade', dryRun: options.dryRun === true, out });
    });
}
