import type { Command } from 'commander';
import { formatKey } from '../../base/names.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';
import { withSpinner } from '../spinner.js';
import { instanceOf, instancePath } from '../target.js';

export function addRm(program: Command): void {
  addCommand(program, 'rm', 'stop an instance and forget it; its data goes to the trash')
    .argument('<instance>', 'notes:alice, or notes with --id alice')
    .option('--id <id>', 'the id, when only the service is given')
    .option('--purge', 'delete its data at once')
    .action(async (target: string, options: { id?: string; purge?: boolean }, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, options.id);
      const { connect } = await import('../connect.js');
      const client = await connect(globals);
      const query = { forget: 1, purge: options.purge === true ? 1 : undefined };
      await withSpinner(`Removing ${formatKey(key)}`, client.command('DELETE', instancePath(key), { query }));
      if (out.json) return out.printJson({ id: formatKey(key), purged: options.purge === true });
      out.print(`Removed ${formatKey(key)}`);
      out.print(
        options.purge === true ? 'Its data is deleted.' : 'Its data is in the trash of the data directory.',
      );
    });
}
