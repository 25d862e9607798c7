import type { Command } from 'commander';
import type { SpawnRequest } from '../../api/protocol.js';
import { formatKey } from '../../base/names.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';
import { withSpinner } from '../spinner.js';
import { instanceOf } from '../target.js';

interface Options {
  id?: string;
  wait: boolean;
  adoptData?: boolean;
}

export function addSpawn(program: Command): void {
  addCommand(program, 'spawn', 'start an instance, registering it if it is new, and wait until it is ready')
    .alias('start')
    .argument('<instance>', 'notes:alice, or notes with --id alice')
    .option('--id <id>', 'the id, when only the service is given')
    .option('--no-wait', 'do not wait until it is ready')
    .option('--adopt-data', 'take over the data that an earlier instance of that name left')
    .action(async (target: string, options: Options, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, options.id);
      const [{ connect }, { SpawnResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const body: SpawnRequest = {
        service: key.service,
        id: key.id,
        ...(options.wait ? {} : { wait: false }),
        ...(options.adoptData === true ? { adopt_data: true } : {}),
      };
      const answer = await withSpinner(
        `Starting ${formatKey(key)}`,
        client.request('POST', '/api/instances/spawn', SpawnResponse, { body }),
      );
      if (out.json) return out.printJson(answer);
      out.print(`Spawned ${answer.instance}`);
      if (answer.socket !== null) out.print(`Listening on ${answer.socket}`);
      if (answer.already === true) out.note('It was running already.');
      else if (answer.socket === null && !options.wait)
        out.note(`It is starting; \`ten health ${answer.instance}\` says when it is ready.`);
    });
}
