import type { Command } from 'commander';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

interface Options {
  dryRun?: boolean;
}

export function addRollback(program: Command): void {
  addCommand(program, 'rollback', 'go back to the program that was installed before the last upgrade')
    .option('--dry-run', 'print everything that would be written and run, and do nothing')
    .action(async (options: Options, command: Command) => {
      const { out } = contextOf(command);
      const { rollback } = await import('../run-install.js');
      await rollback({ command: 'ten rollback', dryRun: options.dryRun === true, out });
    });
}
