import type { Command } from 'commander';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

interface Options {
  purge?: boolean;
  yes?: boolean;
  dryRun?: boolean;
}

export function addUninstall(program: Command): void {
  addCommand(program, 'uninstall', 'stop the service and remove all that `ten install` made; data stays')
    .option('--purge', 'delete the data of all customers, too')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'print everything that would be removed and run, and do nothing')
    .action(async (options: Options, command: Command) => {
      const { out } = contextOf(command);
      const { uninstall } = await import('../run-install.js');
      await uninstall(options.purge === true, options.yes === true, {
        command: 'ten uninstall',
        dryRun: options.dryRun === true,
        out,
      });
    });
}
