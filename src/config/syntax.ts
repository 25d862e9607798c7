/** TOML's syntax, and what to say where a file breaks it. Pure. */
import { parse, TomlError } from 'smol-toml';

export interface SyntaxProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  readonly problem: string;
  readonly hint: string;
}

/** Neither problem nor hint quotes the file: what stands around an error may be a secret. */
export function parseToml(source: string): { readonly value: unknown } | SyntaxProblem {
  try {
    return { value: parse(source) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of the parser's message quotes the lines around the error.
    const problem = error.message.split('\n', 1)[0]?.replace(/^Invalid TOML document: /, '') ?? 'not TOML';
    const { line, column } = error;
    const text = source.split(/\r?\n/)[line - 1] ?? '';
    return {
      line,
      column,
      problem,
      hint: `${hintFor(problem, text, column)} See https://toml.io for the syntax.`,
    };
  }
}

const QUOTES = 'Strings need quotes, and so do times and sizes with a unit: "90s", "512M".';
const LINES = 'A line is `key = value`, a table such as [service.notes], or a comment, which begins with #.';

/** By what the parser says and, where that can mean several things, by the line that it stumbled over. */
const HINTS: readonly (readonly [
  problem: RegExp,
  hint: string | ((line: string, column: number) => string),
])[] = [
  [/^invalid value/, (line, column) => forValue(line.slice(column - 1))],
  [/numeric|underscore/, QUOTES],
  // The value itself was read: a number, a word that TOML knows, or a string that is closed.
  [
    /followed by an end-of-line/,
    (line) =>
      /=\s*["'[{]|^\s*\[/.test(line)
        ? 'Nothing but a comment, which begins with #, may follow on the line.'
        : QUOTES,
  ],
  [
    /in key|end of key|empty bare key|table array/,
    (line) =>
      /^\s*\[/.test(line)
        ? 'A table is written [service.notes], in one line and with its closing bracket.'
        : LINES,
  ],
  [/redefine/, 'A key or a table may stand only once: put its parts together.'],
  [
    /unfinished string|characters are not allowed in strings/,
    'The closing quote is missing; a string of several lines stands in """...""".',
  ],
  [
    /comma or end of structure|unfinished (?:array|table)/,
    'Elements are separated by commas; a list ends with ] and a table in a line with }.',
  ],
  [/escape/, 'In "..." a backslash begins an escape: write two of them, or use \'...\'.'],
  [/losslessly/, 'The number is too large.'],
  [/leading zero/, 'A number begins with another digit than 0; what is no number needs quotes.'],
];

function hintFor(problem: string, line: string, column: number): string {
  const [, hint = LINES] = HINTS.find(([pattern]) => pattern.test(problem)) ?? [];
  return typeof hint === 'string' ? hint : hint(line, column);
}

function forValue(rest: string): string {
  if (/^\s*(?:#|$)/.test(rest)) return 'A value is missing after the "=".';
  if (/^\s*[,\]}]/.test(rest)) return 'A value is missing before the comma or bracket.';
  if (/^\s*(?:true|false|yes|no|on|off)\b/i.test(rest))
    return 'Yes and no are written true and false, without quotes.';
  if (/^\s*[\u2018-\u201f\u00ab\u00bb`]/.test(rest)) return 'Strings stand in straight quotes: "...".';
  return QUOTES;
}
