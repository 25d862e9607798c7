import type { Command } from 'commander';
import { formatKey } from '../../base/names.js';
import { addCommand } from '../globals.js';
import { healthColor } from '../health-color.js';
import { contextOf } from '../output.js';
import { instanceOf, instancePath } from '../target.js';

export function addHealth(program: Command): void {
  addCommand(program, 'health', 'print the health of an instance; exits 1 when it is unhealthy or failed')
    .argument('<instance>', 'notes:alice, or notes with --id alice')
    .option('--id <id>', 'the id, when only the service is given')
    .action(async (target: string, options: { id?: string }, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, options.id);
      const [{ connect }, { HealthResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const answer = await client.request('GET', instancePath(key, '/health'), HealthResponse, {
        timeoutMs: 30_000,
      });
      if (answer.health === 'unhealthy' || answer.health === 'failed') process.exitCode = 1;
      if (out.json) return out.printJson(answer);
      out.print(`${formatKey(key)}: ${healthColor(answer.health, out.colors)}`);
      // A healthy instance may have had a problem long ago: that is for `ten logs`.
      if (answer.last_problem !== null && process.exitCode === 1) out.note(answer.last_problem);
    });
}
