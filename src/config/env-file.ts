import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { errnoOf, TenementError } from '../base/errors.js';
import { isReserved } from './variables.js';

/**
 * Reads `env_file`: `KEY=value` lines, blank lines, `#` comments, an optional `export`, values in single or double quotes.
 * Nothing is replaced inside values. Refused when group or others can read it, or when it belongs to another user than root or
 * the server's: what is in it are secrets, and what is set by it changes what a program does.
 * @throws TenementError `config_unsafe` (`details.foreign`: for its owner); `config_invalid` with file and line, never with a value.
 */
export function readEnvFile(path: string): Record<string, string> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a FIFO must not make us wait
  } catch (error) {
    const because = errnoOf(error) === 'ENOENT' ? 'there is no such file' : (errnoOf(error) ?? 'error');
    throw new TenementError('config_invalid', `env_file ${path} can't be read: ${because}`, { cause: error });
  }
  try {
    const { uid, mode } = fstatSync(fd);
    const self = process.geteuid?.();
    if (self !== undefined && uid !== 0 && uid !== self) {
      throw unsafe(
        path,
        `it belongs to the user with id ${uid}, neither to the server's (${self}) nor to root`,
        { foreign: true },
      );
    }
    if ((mode & 0o077) !== 0) throw unsafe(path, 'group or others have permissions on it');
    return parseEnvFile(readFileSync(fd, 'utf8'), path);
  } finally {
    closeSync(fd);
  }
}

function unsafe(path: string, because: string, details: Record<string, unknown> = {}): TenementError {
  return new TenementError(
    'config_unsafe',
    `env_file ${path} holds secrets and is not safe to use: ${because}`,
    {
      hint: `\`chmod 600 ${path}\`, and make it root's or the server's own with \`chown\`.`,
      details,
    },
  );
}

/** The parser alone. `file` is for messages. Pure. */
export function parseEnvFile(text: string, file: string): Record<string, string> {
  const env: Record<string, string> = {};
  text.split(/\r?\n/).forEach((raw, i) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const fail = (problem: string) =>
      new TenementError('config_invalid', `${file}:${i + 1}: ${problem}`, { hint: HINT });
    const [, name, written = ''] = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) throw fail('expected KEY=value');
    if (isReserved(name)) throw fail(`${name} is set by tenement itself for each instance`);
    const value = unquote(written);
    if (value === undefined || value.includes('\0'))
      throw fail(`the value of ${name} has a quote that is not closed, or a NUL`);
    env[name] = value;
  });
  return env;
}

const HINT = 'One KEY=value a line; values with blanks at their ends or with # need quotes.';

/** Escapes mean something between double quotes only; a comment may follow a value after a blank. */
function unquote(written: string): string | undefined {
  const quote = written[0];
  if (quote !== '"' && quote !== "'") return written.replace(/\s+#.*$/, '');
  const match = (quote === '"' ? /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/ : /^'([^']*)'\s*(?:#.*)?$/).exec(written);
  const inner = match?.[1];
  if (inner === undefined || quote === "'") return inner;
  return inner.replace(/\\(.)/g, (_, c: string) => ({ n: '\n', r: '\r', t: '\t' })[c] ?? c);
}
