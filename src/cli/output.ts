import type { Command } from 'commander';
import pc from 'picocolors';
import { type Globals, globalsOf } from './globals.js';

export type Colors = ReturnType<typeof pc.createColors>;

/** How a command speaks: data on stdout, everything else on stderr. */
export interface Output {
  readonly json: boolean;
  /** Colours for stdout; identity functions where colours are unwanted. */
  readonly colors: Colors;
  /** One line of data (or several). */
  print(text: string): void;
  printJson(value: unknown): void;
  /** A remark for people, on stderr. */
  note(text: string): void;
}

/** What every action gets: the global flags and its output. */
export interface Context {
  readonly globals: Globals;
  readonly out: Output;
}

export function contextOf(command: Command): Context {
  const globals = globalsOf(command);
  return { globals, out: output(globals) };
}

export function output(globals: Globals): Output {
  return {
    json: globals.json === true,
    colors: pc.createColors(wantsColor(process.stdout, globals)),
    print: (text) => void process.stdout.write(`${text}\n`),
    printJson: (value) => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** Colours only for a terminal, and never against NO_COLOR (no-color.org: set and not empty). */
export function wantsColor(stream: NodeJS.WriteStream, globals: Pick<Globals, 'color'>): boolean {
  if (globals.color === false || (process.env.NO_COLOR ?? '') !== '') return false;
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}
