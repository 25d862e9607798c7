/** `ten disable` and `ten enable`: one request, two words. */
import type { Command } from 'commander';
import type { Instance as InstanceMessage, PutRequest } from '../api/protocol.js';
import { formatKey } from '../base/names.js';
import { addCommand } from './globals.js';
import { contextOf } from './output.js';
import { instanceOf, instancePath } from './target.js';

interface DisabledSwitch {
  readonly verb: 'disable' | 'enable';
  readonly description: string;
  /** What is printed besides that it is done, of the instance as it is then; `name` is `notes:alice`. */
  readonly remark: (name: string, want: InstanceMessage['want']) => string;
}

export function addDisabledSwitch(program: Command, { verb, description, remark }: DisabledSwitch): void {
  addCommand(program, verb, description)
    .argument('<instance>', 'notes:alice, or notes with --id alice')
    .option('--id <id>', 'the id, when only the service is given')
    .action(async (target: string, options: { id?: string }, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, options.id);
      const [{ connect }, { Instance }] = await Promise.all([
        import('./connect.js'),
        import('../api/protocol.js'),
      ]);
      const client = await connect(globals);
      // PUT would create what does not exist; a misspelt name shall be an error.
      await client.request('GET', instancePath(key), Instance);
      const body: PutRequest = { disabled: verb === 'disable' };
      const answer = await client.request('PUT', instancePath(key), Instance, { body });
      if (out.json) return out.printJson(answer);
      out.print(`${verb === 'disable' ? 'Disabled' : 'Enabled'} ${formatKey(key)}`);
      out.print(remark(formatKey(key), answer.want));
    });
}
