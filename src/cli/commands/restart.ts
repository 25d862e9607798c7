import type { Command } from 'commander';
import type { Client } from '../../api/client.js';
import { ERRORS, type ErrorCode, TenementError } from '../../base/errors.js';
import { formatKey } from '../../base/names.js';
import { addCommand } from '../globals.js';
import { contextOf, type Output } from '../output.js';
import { withSpinner } from '../spinner.js';
import { instancePath, serviceOrInstance } from '../target.js';

export function addRestart(program: Command): void {
  addCommand(program, 'restart', 'restart an instance, or all awake ones of a service in batches')
    .argument('<instance>', 'notes:alice, or notes for the whole service')
    .option('--id <id>', 'the id, when only the service is given')
    .action(async (target: string, options: { id?: string }, command: Command) => {
      const { globals, out } = contextOf(command);
      const { service, id } = serviceOrInstance(target, options.id);
      const [{ connect }, { SpawnResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      if (id === undefined) return await restartService(client, service, out);
      const name = formatKey({ service, id });
      const answer = await withSpinner(
        `Restarting ${name}`,
        client.request('POST', instancePath({ service, id }, '/restart'), SpawnResponse),
      );
      if (out.json) return out.printJson(answer);
      out.print(`Restarted ${name}`);
      if (answer.socket !== null) out.print(`Listening on ${answer.socket}`);
    });
}

async function restartService(client: Client, service: string, out: Output): Promise<void> {
  const [{ readNdjson }, { RestartProgress }] = await Promise.all([
    import('../../api/stream.js'),
    import('../../api/protocol.js'),
  ]);
  const path = `/api/services/${service}/restart`;
  const stream = await client.open('POST', path, 'application/x-ndjson');
  for await (const event of readNdjson(stream, RestartProgress)) {
    if (out.json) process.stdout.write(`${JSON.stringify(event)}\n`);
    if (event.type === 'error') throw remoteError(event.error);
    if (event.type === 'progress' && !out.json) {
      out.print(`Restarted ${event.instance} (${event.done} of ${event.total})`);
    }
    if (event.type === 'done') {
      if (!out.json && event.restarted === 0)
        out.print(`No instance of ${service} is awake: nothing to restart`);
      return;
    }
  }
  throw new TenementError('no_server', 'The server broke off before the restart was complete', {
    hint: '`ten ps` shows which instances were restarted.',
  });
}

function remoteError(error: { code: string; message: string; hint: string }): TenementError {
  const known = Object.hasOwn(ERRORS, error.code);
  return new TenementError(known ? (error.code as ErrorCode) : 'internal', error.message, {
    hint: error.hint,
  });
}
