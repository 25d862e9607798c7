import type { Command } from 'commander';
import type { ReloadResponse as Answer } from '../../api/protocol.js';
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
      out.print(reloadLines(answer).join('\n'));
      if (answer.unlisted !== undefined && answer.unlisted.length > 0)
        out.note(
          'What [instances] no longer lists is left as it is; `ten stop` ends it, `ten rm` forgets it.',
        );
    },
  );
}

/** What the command prints: one line for each kind of change. Pure. */
export function reloadLines({
  changed,
  added,
  removed,
  keys = [],
  listed = [],
  unlisted = [],
}: Answer): string[] {
  const prefix = (service: string) => `service.${service}.`;
  const restarted = changed.map((service) => {
    const own = keys.filter((key) => key.startsWith(prefix(service)));
    return own.length === 0
      ? service
      : `${service} (${own.map((key) => key.slice(prefix(service).length)).join(', ')})`;
  });
  const live = keys.filter((key) => !changed.some((service) => key.startsWith(prefix(service))));
  const parts = [
    ['changed, what is awake restarted', restarted],
    ['added', added],
    ['removed and stopped', removed],
    ['in force without a restart', live],
    ['now in [instances]', listed],
    ['no longer in [instances]', unlisted],
  ] as const;
  const lines = parts.flatMap(([what, list]) => (list.length === 0 ? [] : [`${what}: ${list.join(', ')}`]));
  if (lines.length === 0) return ['Reloaded: nothing changed'];
  return ['Reloaded', ...lines.map((line) => `  ${line}`)];
}
