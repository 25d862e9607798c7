import type { Command } from 'commander';
import type { WeightRequest } from '../../api/protocol.js';
import { formatKey } from '../../base/names.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';
import { instanceOf, instancePath, wholeNumber } from '../target.js';

export function addWeight(program: Command): void {
  addCommand(program, 'weight', 'set the share of requests of one instance of a `balance` service')
    .argument('<instance>', 'notes:v1')
    .argument('<weight>', '0 (no requests) to 100')
    .action(async (target: string, weight: string, _: unknown, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, undefined);
      const body: WeightRequest = { weight: wholeNumber(weight, 'the weight', 0, 100) };
      const [{ connect }, { WeightResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const answer = await client.request('PUT', instancePath(key, '/weight'), WeightResponse, { body });
      if (out.json) return out.printJson(answer);
      out.print(`${formatKey(key)} has weight ${body.weight}`);
    });
}
