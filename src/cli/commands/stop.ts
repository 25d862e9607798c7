import type { Command } from 'commander';
import type { StopRequest } from '../../api/protocol.js';
import { formatKey } from '../../base/names.js';
import { addCommand } from '../globals.js';
import { nextStart } from '../next-start.js';
import { contextOf } from '../output.js';
import { withSpinner } from '../spinner.js';
import { instanceOf, instancePath } from '../target.js';

export function addStop(program: Command): void {
  addCommand(program, 'stop', 'stop an instance; the next request wakes it again')
    .argument('<instance>', 'notes:alice, or notes with --id alice')
    .option('--id <id>', 'the id, when only the service is given')
    .option('--hold', 'keep it down until `ten start`')
    .action(async (target: string, options: { id?: string; hold?: boolean }, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, options.id);
      const [{ connect }, { StopResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const body: StopRequest = { hold: options.hold === true };
      const answer = await withSpinner(
        `Stopping ${formatKey(key)}`,
        client.request('POST', instancePath(key, '/stop'), StopResponse, { body }),
      );
      if (out.json) return out.printJson(answer);
      out.print(`Stopped ${formatKey(key)}${answer.already === true ? ' (it was not running)' : ''}`);
      out.print(nextStart(answer));
    });
}
