import type { Command } from 'commander';
import type { DeployRequest } from '../../api/protocol.js';
import { formatKey } from '../../base/names.js';
import { parseDuration } from '../../base/units.js';
import { usageError } from '../fail.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';
import { withSpinner } from '../spinner.js';
import { instanceOf, wholeNumber } from '../target.js';

interface Options {
  version?: string;
  weight?: string;
  timeout?: string;
}

export function addDeploy(program: Command): void {
  addCommand(program, 'deploy', 'start a new version and give it requests once it is healthy')
    .argument('<instance>', 'notes:v2, or notes with --version v2')
    .option('--version <id>', 'the version, when only the service is given')
    .option('--weight <weight>', 'its share of requests, 0 to 100 (default: 100)')
    .option('--timeout <time>', 'how long it may take to become healthy: 30, 90s, 5m')
    .action(async (target: string, options: Options, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, options.version, '--version');
      const body: DeployRequest = {
        service: key.service,
        version: key.id,
        ...(options.weight === undefined ? {} : { weight: wholeNumber(options.weight, '--weight', 0, 100) }),
        ...(options.timeout === undefined ? {} : { timeout: secondsOf(options.timeout) }),
      };
      const [{ connect }, { DeployResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const answer = await withSpinner(
        `Deploying ${formatKey(key)}`,
        client.request('POST', '/api/deploy', DeployResponse, { body }),
      );
      if (out.json) return out.printJson(answer);
      out.print(`Deployed ${answer.instance} (weight ${answer.weight}, ${answer.status})`);
      if (answer.socket !== null) out.print(`Listening on ${answer.socket}`);
    });
}

function secondsOf(text: string): number {
  const value = parseDuration(text);
  if (value === undefined || value <= 0)
    throw usageError(`--timeout takes a time like 30, 90s or 5m, not "${text}"`);
  return value;
}
