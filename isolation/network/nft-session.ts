/** Scripts of nft(8) without the start of a program for each, which costs many times what most scripts do. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { RunScript } from './firewall.js';

/** It goes when nobody has asked it for anything. */
const IDLE_MS = 30_000;
/** It keeps what it was told, as a history. */
const MOST_SCRIPTS = 500;
/** Beyond, reading it by the letter as a terminal's line takes longer than a program of its own. */
const LONGEST_LINE = 16_384;
const PATIENCE_MS = 10_000;
/** Some are built without the interactive mode, and some may say nothing that is understood here. */
const FIRST_PATIENCE_MS = 3_000;
/** No table has such a name: asked for it, nft says so on stderr, after what it said of the script before. */
const MARK = 'tenement_end_of_script_';

type Program = ChildProcessByStdio<Writable, null, Readable>;

/**
 * An interactive nft on pipes: a line is a transaction. It ends with this process, whose end of its input it sees.
 * What it does not answer is left to `once`.
 */
export class NftSession {
  readonly #nft: string;
  readonly #once: RunScript;
  readonly #idleMs: number;
  readonly #firstPatienceMs: number;
  #program: Program | undefined;
  #scripts = 0;
  /** Undefined: not tried. */
  #works: boolean | undefined;
  #said = '';
  #heard: () => void = () => undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(nft: string, once: RunScript, { idleMs = IDLE_MS, firstPatienceMs = FIRST_PATIENCE_MS } = {}) {
    this.#nft = nft;
    this.#once = once;
    this.#idleMs = idleMs;
    this.#firstPatienceMs = firstPatienceMs;
  }

  /** As RunScript; one after the other. */
  run: RunScript = (lines) => {
    const result = this.#turn.then(() => this.#run(lines));
    this.#turn = result.catch(() => undefined);
    return result;
  };

  /** Ends it; the next script starts another. */
  close(): void {
    clearTimeout(this.#timer);
    const program = this.#program;
    this.#program = undefined;
    program?.stdin.end();
    program?.kill();
  }

  async #run(lines: readonly string[]): Promise<string | undefined> {
    const script = lines.join('; ');
    if (this.#works === false || script.length > LONGEST_LINE) return this.#once(lines);
    clearTimeout(this.#timer);
    const said = await this.#ask(script);
    if (said === undefined) {
      this.close();
      this.#works ??= false;
      // It may have been done or not. Who asked sees to what can not be done twice.
      return this.#once(lines);
    }
    this.#works = true;
    this.#timer = setTimeout(() => this.close(), this.#idleMs).unref();
    return said
      .split('\n')
      .find((line) => line.includes('Error'))
      ?.trim();
  }

  /** What it said before the mark; undefined: it has ended or does not answer. */
  async #ask(script: string): Promise<string | undefined> {
    if (this.#scripts >= MOST_SCRIPTS) this.close();
    const program = this.#program ?? this.#start();
    this.#scripts += 1;
    const mark = `list table inet ${MARK}${this.#scripts}\n`;
    this.#said = '';
    return new Promise((resolve) => {
      // It also keeps this process until there is an answer.
      const timer = setTimeout(() => settle(undefined), this.#works ? PATIENCE_MS : this.#firstPatienceMs);
      const settle = (said: string | undefined): void => {
        clearTimeout(timer);
        this.#heard = () => undefined;
        resolve(said);
      };
      this.#heard = () => {
        const end = this.#said.indexOf(mark);
        // The line before is its complaint of the mark itself.
        if (end >= 0) settle(this.#said.slice(0, this.#said.lastIndexOf('Error', end)));
        else if (this.#program !== program) settle(undefined);
      };
      program.stdin.write(`${script}\n${mark}`);
    });
  }

  #start(): Program {
    const program = spawn(this.#nft, ['-i'], {
      // It ends a moment after us, and must not be found in our directory then.
      cwd: '/',
      stdio: ['pipe', 'ignore', 'pipe'],
      // It would write what it was told to a file in its home.
      env: { LC_ALL: 'C', HOME: '/dev/null', TERM: 'dumb' },
    });
    const gone = (): void => {
      if (this.#program === program) this.#program = undefined;
      this.#heard();
    };
    program.on('error', gone).on('exit', gone);
    program.stdin.on('error', () => undefined);
    program.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (this.#program !== program) return;
      this.#said += text;
      this.#heard();
    });
    // It is no reason for this process to stay.
    program.unref();
    for (const pipe of [program.stdin, program.stderr]) if ('unref' in pipe) (pipe.unref as () => void)();
    this.#program = program;
    this.#scripts = 0;
    return program;
  }
}
