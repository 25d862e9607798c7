import type { Command } from 'commander';
import type { Instance } from '../../api/protocol.js';
import { TenementError } from '../../base/errors.js';
import { formatKey } from '../../base/names.js';
import { usageError } from '../fail.js';
import { addCommand, type Globals } from '../globals.js';
import { contextOf } from '../output.js';
import { instanceOf, instancePath } from '../target.js';

interface Options {
  id?: string;
  tty: boolean;
}

export function addExec(program: Command): void {
  addCommand(
    program,
    'exec',
    'run a command inside a running instance: its files, processes, user, environment and limits',
  )
    .argument('<instance>', 'notes:alice, or --id alice notes')
    .argument('[command...]', 'what to run there, with its arguments (default: sh)')
    .option('--id <id>', 'the id, when only the service is given')
    .option('-T, --no-tty', 'give it no terminal, also when there is one')
    // What follows the instance is the command's own: `ten exec notes:alice ls --json`.
    .passThroughOptions()
    .action(async (target: string, words: string[], options: Options, command: Command) => {
      const { globals, out } = contextOf(command);
      const key = instanceOf(target, options.id);
      const [program = 'sh', ...args] = words[0] === '--' ? words.slice(1) : words;
      const [{ closeInheritedFds, prepareExec }, { hasTerminal, runInside }] = await Promise.all([
        import('../../../isolation/index.js'),
        import('../run-inside.js'),
      ]);
      closeInheritedFds();
      const pid = pidOf(await ask(globals, instancePath(key)), formatKey(key));
      const terminal = options.tty && hasTerminal();
      const launch = await prepareExec({
        pid,
        service: key.service,
        tenant: key.id,
        command: [program, ...args],
        extraEnv: terminal ? { TERM: process.env.TERM ?? 'dumb' } : {},
      });
      process.exitCode = await runInside(launch, { terminal, note: (text) => out.note(text) });
    });
}

/** Only over the socket: a pid means nothing on another machine. */
async function ask(globals: Globals, path: string): Promise<Instance> {
  const [{ overSocket, serverUrl, socketState }, { findDataDir }, { Instance }] = await Promise.all([
    import('../connect.js'),
    import('../data-dir.js'),
    import('../../api/protocol.js'),
  ]);
  if (serverUrl(globals) !== undefined) {
    throw usageError(
      '`ten exec` works on the machine of the server only, and not with --server or TENEMENT_SERVER',
      'run it there, for example `ssh -t HOST sudo ten exec ...`',
    );
  }
  const dataDir = (await findDataDir(globals)).path;
  const state = await socketState(dataDir);
  if (state.kind !== 'listens') {
    throw new TenementError('no_server', `No server can be asked on ${dataDir}: ${state.why}`, {
      hint: 'Run it as root or as the user of the server; --config or --data-dir names another one.',
    });
  }
  return await overSocket(globals, dataDir).request('GET', path, Instance, { timeoutMs: 30_000 });
}

function pidOf(instance: Instance, name: string): number {
  if (instance.state === 'frozen') {
    throw new TenementError('conflict', `${name} is frozen: a command in it would be, too`, {
      hint: `A request to it or \`ten spawn ${name}\` wakes it.`,
    });
  }
  if (instance.pid !== null) return instance.pid;
  throw new TenementError('conflict', `${name} does not run`, {
    hint: `\`ten spawn ${name}\` starts it.`,
  });
}
