/** A program of a benchmark that runs beside it and reports in lines of JSON. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Processes, StartOptions } from './processes.js';

export class Reporter {
  readonly #processes: Processes;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  constructor(processes: Processes, argv: readonly string[], options: Omit<StartOptions, 'output'>) {
    this.#processes = processes;
    this.#child = processes.start(argv, options);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('a reporter needs a pipe');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Its next report. @throws Error with its stderr when it ends without one */
  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`a program of the benchmark ended: ${this.#stderr}`);
    return JSON.parse(value) as T;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Text for its stdin. */
  send(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Ends its stdin, which asks for its last report. */
  finish<T>(): Promise<T> {
    this.#child.stdin?.end();
    return this.next<T>();
  }

  end(): Promise<void> {
    return this.#processes.end(this.#child);
  }
}

/** For the program's side: one line of JSON. */
export function report(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** For the program's side: resolves when it is asked for its last report, or when who started it has died. */
export function untilFinish(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.once('end', resolve).once('close', resolve).resume();
  });
}
