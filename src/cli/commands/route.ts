import type { Command } from 'commander';
import type { RouteRequest } from '../../api/protocol.js';
import { assertName } from '../../base/names.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

export function addRoute(program: Command): void {
  addCommand(program, 'route', 'move all requests from one version to another in one step')
    .argument('<service>', 'notes')
    .requiredOption('--from <id>', 'the version that gives its weight')
    .requiredOption('--to <id>', 'the version that takes it')
    .action(async (service: string, options: { from: string; to: string }, command: Command) => {
      const { globals, out } = contextOf(command);
      assertName(service, 'service');
      assertName(options.from, 'id');
      assertName(options.to, 'id');
      const body: RouteRequest = { service, from: options.from, to: options.to };
      const [{ connect }, { RouteResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const answer = await client.request('POST', '/api/route', RouteResponse, { body });
      if (out.json) return out.printJson(answer);
      out.print(`${answer.from_instance} has weight ${answer.from_weight}`);
      out.print(`${answer.to_instance} has weight ${answer.to_weight}`);
    });
}
