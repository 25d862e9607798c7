import type { Command } from 'commander';
import type { RemoveRequest, RemoveResponse } from '../../api/protocol.js';
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
      const [{ connect }, { RemoveResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const body: RemoveRequest = { purge: options.purge === true };
      const answer = await withSpinner(
        `Removing ${formatKey(key)}`,
        client.request('POST', instancePath(key, '/remove'), RemoveResponse, { body }),
      );
      const purged = (options.purge === true || answer.deleted.length > 0) && answer.kept.length === 0;
      if (out.json) return out.printJson({ ...answer, purged });
      out.print(`Removed ${formatKey(key)}`);
      for (const line of fateLines(answer)) out.print(line);
    });
}

/** What became of its data, as sentences. */
function fateLines({ trash, deleted, kept }: RemoveResponse): string[] {
  const lines: string[] = [];
  if (trash !== null) lines.push(`Its data is in the trash: ${trash}`);
  if (deleted.length > 0) lines.push(`Its data is deleted: ${deleted.join(', ')}`);
  for (const { path, shared_with } of kept) {
    lines.push(
      `${path} was left: ${shared_with.join(', ')} ${shared_with.length === 1 ? 'has' : 'have'} data there, too.`,
    );
  }
  return lines.length === 0 ? ['It had no data.'] : lines;
}
