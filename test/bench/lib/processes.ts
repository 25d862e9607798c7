/** The processes that a benchmark has started: each is ended by its pid, whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * A small environment. A long one costs every start, and NODE_EXTRA_CA_CERTS alone adds 60-90 ms to each start of a Node
 * program.
 */
export const smallEnvironment: Readonly<Record<string, string>> = {
  PATH: `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`,
  HOME: process.env.HOME ?? '/',
  LANG: 'C.UTF-8',
};

export interface StartOptions {
  readonly cwd: string;
  /** File that gets stdout and stderr; without it they are pipes. */
  readonly output?: string;
  /** Processor numbers as taskset(1) takes them; default all. */
  readonly cores?: string | undefined;
  /** Real-time priority (chrt(1)), for an instrument that must not wait for a processor. */
  readonly realTime?: number | undefined;
}

export class Processes {
  readonly #children = new Set<ChildProcess>();

  /** The pid of the child is that of the program itself: all wrappers exec. */
  start(argv: readonly string[], { cwd, output, cores, realTime }: StartOptions): ChildProcess {
    const line = [
      // Should this process be killed outright, the kernel ends the child: nothing is left behind.
      ...['setpriv', '--pdeathsig', 'TERM', '--'],
      ...(realTime === undefined ? [] : ['chrt', '-f', String(realTime)]),
      ...(cores === undefined ? [] : ['taskset', '-c', cores]),
      ...argv,
    ];
    const file = output === undefined ? undefined : openSync(output, 'a');
    const child = spawn(line[0] ?? '', line.slice(1), {
      cwd,
      env: smallEnvironment,
      stdio: file === undefined ? 'pipe' : ['ignore', file, file],
    });
    if (file !== undefined) closeSync(file);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    child.once('error', (error) => {
      this.#children.delete(child);
      throw new Error(`${line.join(' ')} cannot be started: ${error.message}`);
    });
    return child;
  }

  /** Runs a program to its end and returns its stdout. @throws Error with its stderr when it fails */
  async run(argv: readonly string[], options: Omit<StartOptions, 'output'>): Promise<string> {
    const child = this.start(argv, options);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code, signal] = await once(child, 'close');
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code ?? signal}: ${stderr || stdout}`);
    return stdout;
  }

  /** TERM, and after the grace KILL; returns when it has ended. */
  async end(child: ChildProcess, graceMs = 15_000): Promise<void> {
    if (!this.#children.has(child) || child.pid === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await exited;
    clearTimeout(timer);
  }

  /** The last started first: who uses something ends before it. */
  async endAll(): Promise<void> {
    for (const child of [...this.#children].reverse()) await this.end(child);
  }
}

/** Waits until `condition` holds while `child` lives. @throws Error with the end of its output */
export async function untilUp(
  name: string,
  child: ChildProcess,
  output: string,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || performance.now() > deadline) {
      const why = ended ? `ended with ${child.exitCode ?? child.signalCode}` : 'did not come up';
      throw new Error(`${name} ${why}: ${readFileSync(output, 'utf8').slice(-2000)}`);
    }
    await pause(20);
  }
}
