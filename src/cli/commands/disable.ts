import type { Command } from 'commander';
import type { PutRequest } from '../../api/protocol.js';
import { formatKey } from '../../base/names.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';
import { instanceOf, instancePath } from '../target.js';

export function addDisable(program: Command): void {
  addCommand(program, 'disable', 'stop an instance now and answer 503 until it is enabled')
    .argument('<instance>', 'notes:alice, or notes with --id alice')
    .option('--id <id>', 'the id, when only the service is given')
    .action(async (target: string, options: { id?: string }, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, options.id);
      const [{ connect }, { Instance }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      // PUT would create what does not exist; a misspelt name shall be an error.
      await client.request('GET', instancePath(key), Instance);
      const body: PutRequest = { disabled: true };
      const answer = await client.request('PUT', instancePath(key), Instance, { body });
      if (out.json) return out.printJson(answer);
      out.print(`Disabled ${formatKey(key)}`);
      out.print(`Requests get 503 until \`ten enable ${formatKey(key)}\`.`);
    });
}
