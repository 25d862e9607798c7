import type { Command } from 'commander';
import type { Instance, PutRequest } from '../../api/protocol.js';
import { formatKey } from '../../base/names.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';
import { instanceOf, instancePath } from '../target.js';

export function addEnable(program: Command): void {
  addCommand(program, 'enable', 'let a disabled instance run again')
    .argument('<instance>', 'notes:alice, or notes with --id alice')
    .option('--id <id>', 'the id, when only the service is given')
    .action(async (target: string, options: { id?: string }, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, options.id);
      const { connect } = await import('../connect.js');
      const client = await connect(globals);
      // PUT would create what does not exist; a misspelt name shall be an error.
      await client.request<Instance>('GET', instancePath(key));
      const body: PutRequest = { disabled: false };
      const answer = await client.request<Instance>('PUT', instancePath(key), { body });
      if (out.json) return out.printJson(answer);
      out.print(`Enabled ${formatKey(key)}`);
      out.print('The next request wakes it.');
    });
}
