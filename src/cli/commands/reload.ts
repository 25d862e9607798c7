import type { Command } from 'commander';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

export function addReload(program: Command): void {
  addCommand(program, 'reload', 'apply the config file anew; what did not change goes on running').action(
    async (_: unknown, command: Command) => {
      const { globals, out } = contextOf(command);
      const [{ connect }, { ReloadResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const answer = await client.request('POST', '/api/reload', ReloadResponse);
      if (out.json) return out.printJson(answer);
      const parts = (['changed', 'added', 'removed'] as const)
        .filter((what) => answer[what].length > 0)
        .map((what) => `${what} ${answer[what].join(', ')}`);
      out.print(parts.length === 0 ? 'Reloaded: nothing changed' : `Reloaded: ${parts.join('; ')}`);
    },
  );
}
