/** One run of the machine, whose first serial port is the console and whose second speaks to guest/start.sh. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tell } from '../helpers/steps.js';
import { commandOf, type Hardware } from './hardware.js';

export interface MachineOptions extends Hardware {
  readonly shell: boolean;
  readonly limitMs: number;
}

export interface Outcome {
  /** Exit codes of ava, by folder of tests. */
  readonly suites: ReadonlyMap<string, number>;
  /** Why it is no proper end; undefined: the machine said that it has finished. */
  readonly broken: string | undefined;
}

const BOOT_LIMIT_MS = 300_000;
/** Longer than a test may take (`timeout` in ava.config.js), so that it is ava who tells which one it was. */
const SILENCE_LIMIT_MS = 1_320_000;

/** Runs it to its end. Whatever happens, nothing of it runs when this resolves. */
export async function runMachine(options: MachineOptions, signal: AbortSignal): Promise<Outcome> {
  const child = start(options);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const suites = new Map<string, number>();
  let broken: string | undefined = 'it ended without saying so';
  const end = (reason: string): void => {
    broken = reason;
    killAll(child);
  };
  const onAbort = (): void => end('interrupted');
  signal.addEventListener('abort', onAbort, { once: true });
  const limit = setTimeout(
    () => end(`it took longer than ${options.limitMs / 60_000} minutes`),
    options.limitMs,
  );
  const startedLate = (): NodeJS.Timeout =>
    setTimeout(() => end(`it did not start within ${BOOT_LIMIT_MS / 1000} s`), BOOT_LIMIT_MS);
  let boot = startedLate();
  const silence = options.shell
    ? undefined
    : setTimeout(
        () => end(`nothing was heard of it for ${SILENCE_LIMIT_MS / 60_000} minutes`),
        SILENCE_LIMIT_MS,
      );
  let began = Date.now();
  let nothingMatched = false;
  const heard = (line: string): void => {
    const [, word, rest = ''] = /^machine: (\S+) ?(.*)$/.exec(line) ?? [];
    // With `--only` that is no failure of a folder, as long as there are tests in another.
    nothingMatched ||= line.includes('find any matching tests');
    if (word === undefined) return void process.stdout.write(`${line}\n`);
    if (word === 'started') {
      clearTimeout(boot);
      tell(`${rest}: started, ${Math.round((Date.now() - began) / 1000)} s`);
    } else if (word === 'suite') tell(rest);
    else if (word === 'restarting') {
      tell('the machine restarts');
      boot = startedLate();
      began = Date.now();
    } else if (word === 'finished') broken = undefined;
    else if (word === 'suite-ended') {
      const [folder = '', status] = rest.split(' ');
      if (!nothingMatched) suites.set(folder, Number(status));
      nothingMatched = false;
    }
  };
  try {
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        silence?.refresh();
        heard(line.replace(/\r$/, ''));
      });
    } else clearTimeout(boot);
    const code = await exited;
    if (options.shell) broken = code === 0 ? undefined : `it ended with ${code}`;
    return { suites, broken: broken && `${broken}\n${tail(options.console)}` };
  } finally {
    killAll(child);
    clearTimeout(limit);
    clearTimeout(silence);
    clearTimeout(boot);
    signal.removeEventListener('abort', onAbort);
  }
}

function start(options: MachineOptions): ChildProcess {
  closeSync(openSync(options.console, 'w'));
  const [file, args] = commandOf(options);
  return spawn(file, args, {
    stdio: options.shell ? 'inherit' : ['ignore', 'pipe', 'inherit'],
    // A group of its own: the processes of User-mode Linux are processes here. A shell needs the terminal's.
    detached: !options.shell,
  });
}

function killAll(child: ChildProcess): void {
  child.kill('SIGKILL');
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All has ended.
  }
}

function tail(path: string): string {
  return readFileSync(path, 'utf8').replaceAll('\r', '').split('\n').slice(-30).join('\n');
}
