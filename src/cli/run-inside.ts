/** Runs a prepared command with this process' own input and output, and ends as it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { type Launch, NOT_JOINED } from '../../isolation/index.js';
import { TenementError } from '../base/errors.js';

export interface InsideOptions {
  readonly terminal: boolean;
  readonly note: (text: string) => void;
}

const STARTED = /^ok$/m;
const PASSED_ON = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;

/** Whether a person types and reads: with only one of both, what is piped must stay as it is. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/**
 * Resolves with its exit code, or 128 and the number of the signal that ended it.
 * @throws TenementError `isolation_unavailable` when the command was not reached
 */
export async function runInside(launch: Launch, { terminal, note }: InsideOptions): Promise<number> {
  const { child, ended } = terminal ? withTerminal(launch) : withPipes(launch);
  const report = readAll(child.stdio[3] as Readable);
  const forward = (signal: NodeJS.Signals): void => {
    // Its process group: the first process only waits for the command.
    if (child.pid !== undefined) kill(terminal ? child.pid : -child.pid, signal);
  };
  for (const signal of PASSED_ON) process.on(signal, forward);
  try {
    const code = await ended;
    const said = await report;
    if (!STARTED.test(said)) {
      throw new TenementError(
        'isolation_unavailable',
        `the command could not be started inside: ${said.replaceAll(/\s+/g, ' ').trim() || `code ${code}`}`,
      );
    }
    if (said.includes(NOT_JOINED)) {
      note(
        'only root could put it into the cgroup of the instance: the limits of the instance did not hold for it',
      );
    }
    return code;
  } finally {
    for (const signal of PASSED_ON) process.off(signal, forward);
  }
}

interface Begun {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
}

/**
 * In a terminal of its own, which script(1) passes on. Ours must not get in there: whoever may look at the command, and the instance's processes run as
 * its user, could read from it what is typed, and type into it (TIOCSTI).
 */
function withTerminal({ file, args, env }: Launch): Begun {
  const line = `exec ${[file, ...args].map(quote).join(' ')}`;
  const child = spawn('script', ['-q', '-e', '-c', line, '/dev/null'], {
    env: { ...env, SHELL: '/bin/sh', ...(process.env.TERM !== undefined && { TERM: process.env.TERM }) },
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  return {
    child,
    ended: end(child, 'exit', 'script, which gives it a terminal (bsdutils; or use --no-tty)'),
  };
}

/**
 * In a session of its own, without a terminal. It gets none of our own streams: whoever runs as its user could open a file that our output goes to
 * again by /proc/PID/fd, and read it from its beginning. What goes in and out is passed on, as slowly as the other side reads it.
 */
function withPipes({ file, args, env }: Launch): Begun {
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true });
  const failures = [passOutput(child.stdout, process.stdout), passOutput(child.stderr, process.stderr)];
  passInput(child.stdin);
  const ended = end(child, 'close', file).finally(() => {
    // Whoever still writes or types would keep us waiting for what nobody wants any more.
    process.stdin.unpipe().destroy();
  });
  return { child, ended: Promise.race([ended, ...failures]) };
}

function passInput(to: Writable): void {
  // It need not read what it is given.
  to.on('error', () => process.stdin.unpipe(to));
  // What cannot be read, like a directory, has nothing in it.
  process.stdin.on('error', () => to.end());
  process.stdin.pipe(to);
}

/**
 * A reader who has enough (`| head`) closes the command's output, too: it learns so with its next write, and ends as it likes. Settles only with
 * another failure, like a full disk.
 */
function passOutput(from: Readable, to: Writable): Promise<never> {
  from.on('error', () => undefined);
  // Other commands end at once there (broken-pipe.ts); this one says how the command ended.
  to.removeAllListeners('error');
  from.pipe(to, { end: false });
  return new Promise((_, reject) => {
    to.on('error', (error: NodeJS.ErrnoException) => {
      from.destroy();
      if (error.code !== 'EPIPE') reject(error);
    });
  });
}

async function end(child: ChildProcess, event: 'exit' | 'close', what: string): Promise<number> {
  try {
    const [code, signal] = await once(child, event);
    return code ?? 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
  } catch (error) {
    throw new TenementError('isolation_unavailable', `${what} could not be started`, { cause: error });
  }
}

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
    if (STARTED.test(text)) stream.destroy();
  });
  stream.on('error', () => undefined);
  if (!stream.closed) await once(stream, 'close');
  return text;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** One word for a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
