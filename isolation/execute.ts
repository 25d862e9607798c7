/** One spawn, until the OS has accepted the app: node:child_process on the main thread, without a death signal of any kind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import type { Server } from 'node:net';
import type { Readable, Stream, Writable } from 'node:stream';
import { errnoOf, TenementError } from '../src/base/errors.js';
import { type Launch, REPORT_OK } from './argv.js';
import type { Spec } from './contract.js';
import { startTimeByPs } from './group.js';
import { readStat } from './proc.js';

export interface Started {
  readonly child: ChildProcess & { readonly pid: number };
  /** As in Ref. */
  readonly startTime: string;
}

/** As in Launch.inputs. */
const FIRST_INPUT = 7;
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * Resolves when the app's own program has been executed, as far as can be told.
 * @throws what an input rejects with, or TenementError `start_failed`; then the process has ended. The signal's reason when it was aborted.
 */
export async function execute(spec: Spec, prepared: Launch, signal: AbortSignal): Promise<Started> {
  const child = spawnNow(spec, prepared);
  let refused: unknown;
  const { pid } = child;
  if (pid === undefined) {
    // spawn reports why in an event of the next tick.
    const [error] = await once(child, 'error').catch((thrown: unknown) => [thrown]);
    throw startFailed(spec, error);
  }
  // Before anything is awaited: now the pid is our child's for certain.
  const now = readStat(pid)?.startTime;
  child.on('error', () => undefined);
  const kill = (): void => killAll(child);
  signal.addEventListener('abort', kill, { once: true });
  for (const [i, input] of (prepared.inputs ?? []).entries()) {
    Promise.resolve(input).then(
      (buffer) => give(child, FIRST_INPUT + i, buffer),
      (error: unknown) => {
        refused = error;
        kill();
      },
    );
  }
  try {
    const report = prepared.reports ? await readReport(child, prepared.staysOpen === true) : REPORT_OK;
    if (signal.aborted || report !== REPORT_OK) {
      kill();
      await ended(child);
      signal.throwIfAborted();
      if (refused !== undefined) throw refused;
      throw startFailed(spec, new Error(report.trim() || killedEarly(spec)));
    }
    const startTime = now ?? (await startTimeByPs(pid)) ?? '';
    return { child: Object.assign(child, { pid }), startTime };
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/**
 * All that it has forked, too: what bubblewrap has started lives on when it is killed, would hold the report open, and go on to the app when it is
 * told to. It is one process group until the app is executed.
 */
function killAll(child: ChildProcess): void {
  // Once it has been reaped its number may be another's.
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  // Who still waits for an input finds its end.
  for (const pipe of child.stdio.slice(FIRST_INPUT)) pipe?.destroy();
}

function spawnNow(spec: Spec, { file, args, env, reports, inputs = [] }: Launch): ChildProcess {
  const logs: number[] = [];
  try {
    logs.push(openSync(spec.log.stdout, APPEND, 0o600), openSync(spec.log.stderr, APPEND, 0o600));
    return spawn(file, args, {
      cwd: spec.directory,
      env,
      // A session of its own: what is sent to the server's terminal or group is not meant for the instance.
      detached: true,
      // 4 is the wrappers' own (argv.ts).
      stdio: [
        'ignore',
        ...logs,
        ...(reports ? (['pipe'] as const) : []),
        ...(inputs.length > 0 || spec.socket !== undefined ? (['ignore'] as const) : []),
        ...(spec.socket !== undefined
          ? [handleOf(spec.socket)]
          : inputs.length > 0
            ? (['ignore'] as const)
            : []),
        // 6 too is theirs.
        ...(inputs.length > 0 ? (['ignore'] as const) : []),
        ...inputs.map(() => 'pipe' as const),
      ],
    });
  } catch (error) {
    throw startFailed(spec, error);
  } finally {
    logs.forEach(closeSync);
  }
}

/** What spawn takes in place of a descriptor: a server is known to it only by its handle, and that to no type. */
function handleOf(server: Server): Stream {
  return (server as unknown as { readonly _handle: Stream })._handle;
}

function give(child: ChildProcess, fd: number, input: Buffer): void {
  const pipe = child.stdio[fd] as Writable | undefined;
  // Whoever does not read it says so in the report.
  pipe?.on('error', () => undefined);
  pipe?.end(input);
}

/** What the wrappers say on fd 3, until the last of them has closed it by executing the app, or has said that it will. */
async function readReport(child: ChildProcess, staysOpen: boolean): Promise<string> {
  const pipe = child.stdio[3] as Readable;
  let text = '';
  pipe.setEncoding('utf8');
  pipe.on('data', (chunk: string) => {
    text = (text + chunk).slice(0, 4096);
    // What comes after is not about the start: the wrapper may say how the app ended.
    if (!staysOpen || !text.startsWith(REPORT_OK)) return;
    text = REPORT_OK;
    pipe.destroy();
  });
  // A broken pipe ends the report like its end does.
  pipe.on('error', () => undefined);
  if (!pipe.closed) await new Promise((resolve) => pipe.once('close', resolve));
  return text;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** What starts it counts as its memory, too. */
function killedEarly({ limits }: Spec): string {
  const killed = 'it was killed before the app was executed';
  if (limits?.memoryBytes === undefined) return killed;
  return `${killed}, probably because \`memory_limit_mb\` is too little even for starting it`;
}

function startFailed(spec: Spec, error: unknown): TenementError {
  const [command] = spec.command;
  const because = error instanceof Error ? error.message : String(error);
  // The command was found, so it is the interpreter in its first line, or its dynamic loader, that does not exist.
  const hint = errnoOf(error) === 'ENOENT' ? 'Does the interpreter in its first line exist?' : undefined;
  return new TenementError('start_failed', `"${command}" could not be started: ${because}`, {
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}
