/** From `command` and `args` to the words of an argv. Pure. */
import { type ParseEntry, parse } from 'shell-quote';
import { TenementError } from '../base/errors.js';
import type { ServiceConfig } from './schema.js';

export type Split = { readonly words: [string, ...string[]] } | { readonly problem: string };

const SHELL_HINT =
  "no shell is involved: write `sh -c '...'` if one is needed, or put it in quotes if it is meant literally";

/**
 * Splits as a POSIX shell does: blanks, quotes, backslashes. What a shell would do beyond that is refused, since it would
 * reach the program as plain text and nobody would notice: variables, pipes, redirections, patterns, comments, `~`.
 */
export function splitCommand(command: string): Split {
  const quoting = quotingProblem(command);
  if (quoting !== undefined) return { problem: quoting };
  const words: string[] = [];
  for (const entry of parseWords(command)) {
    const problem = entryProblem(entry);
    if (problem !== undefined) return { problem };
    if (typeof entry === 'string') words.push(entry);
  }
  return checkWords(words);
}

/** The library throws for a substitution that is not closed (`${`). */
function parseWords(command: string): (ParseEntry | { variable: string })[] {
  try {
    return parse(escapeInnerHashes(command), (variable) => ({ variable }));
  } catch {
    return [{ variable: '' }];
  }
}

/** `args` is the explicit form: `command` is then the program alone, blanks and all. */
export function splitService(service: Pick<ServiceConfig, 'command' | 'args'>): Split {
  return service.args === undefined
    ? splitCommand(service.command)
    : checkWords([service.command, ...service.args]);
}

/**
 * The argv of a service, with template variables not yet filled in. A first word with a slash is relative to `workdir`.
 * @throws TenementError `config_invalid`; not after loadConfig, which has checked it.
 */
export function commandWords(service: Pick<ServiceConfig, 'command' | 'args'>): [string, ...string[]] {
  const split = splitService(service);
  if ('words' in split) return split.words;
  throw new TenementError('config_invalid', `command: ${split.problem}`);
}

function checkWords([program, ...args]: string[]): Split {
  if (program === undefined || program.trim() === '')
    return { problem: 'is empty: write the program to run' };
  for (const word of [program, ...args]) {
    if (/^~[^/\s]*(?:\/|$)/.test(word)) {
      return { problem: '"~" is not replaced, since no shell is involved: write the absolute path' };
    }
  }
  if (/^[A-Za-z_][A-Za-z0-9_]*=/.test(program)) {
    return {
      problem: 'begins with a variable assignment: put variables into the `env` table of the service',
    };
  }
  return { words: [program, ...args] };
}

function entryProblem(entry: ParseEntry | { variable: string }): string | undefined {
  if (typeof entry === 'string') return undefined;
  if ('variable' in entry) {
    const name = entry.variable === '' ? '$' : `$${entry.variable}`;
    return `"${name}" would not be replaced; ${SHELL_HINT}. tenement's own variables are written {port}, {id} ...`;
  }
  if ('comment' in entry) return `"#" would begin a comment in a shell; ${SHELL_HINT}`;
  if (entry.op === 'glob')
    return `a pattern with "*" or "?" would not be replaced by file names; ${SHELL_HINT}`;
  return `"${entry.op}" has no meaning here; ${SHELL_HINT}`;
}

/** shell-quote takes every unquoted `#` for a comment; a shell only one that begins a word, so that `http://host/#top` is one word. */
function escapeInnerHashes(command: string): string {
  return command.replace(/\\.|'[^']*'|"(?:[^"\\]|\\.)*"|(?<=[^\s|&;<>()])#/gs, (part) =>
    part === '#' ? '\\#' : part,
  );
}

/** What shell-quote takes silently: a quote that is never closed, a backslash at the end, command substitution by backquotes. */
function quotingProblem(command: string): string | undefined {
  let quote = '';
  for (let i = 0; i < command.length; i += 1) {
    const c = command[i] ?? '';
    if (quote === "'") {
      if (c === "'") quote = '';
    } else if (c === '\\') {
      i += 1;
      if (i === command.length) return 'ends with a backslash';
    } else if (c === '`') {
      return `a backquote has no meaning here; ${SHELL_HINT}`;
    } else if (c === quote) {
      quote = '';
    } else if (quote === '' && (c === '"' || c === "'")) {
      quote = c;
    }
  }
  return quote === '' ? undefined : `a quote (${quote}) is not closed`;
}
