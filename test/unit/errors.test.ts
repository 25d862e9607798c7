import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ERRORS, type ErrorCode, TenementError } from '../../src/base/errors.js';
import { packageRoot } from '../../src/base/package-root.js';

const codes = Object.keys(ERRORS) as ErrorCode[];

/** All source text but the table itself. */
const source = ['src', 'isolation', 'systemd']
  .flatMap((directory) => {
    try {
      return readdirSync(join(packageRoot, directory), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(packageRoot, directory, name),
      );
    } catch {
      return [];
    }
  })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('src/base/errors.ts'))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');

const page = readFileSync(join(packageRoot, 'docs/errors.md'), 'utf8');

/** Where an error is made, or refused with (`refuse('code')`), or in a table of such (ECONNX: 'code'): the bare word may be a state or a verb. */
function thrown(code: ErrorCode): RegExp {
  return new RegExp(
    `TenementError\\(\\s*'${code}'|TenementError\\([^\\n]*'${code}'|^\\s*[A-Z_]+: '${code}'|refuse\\([^\\n]*'${code}'`,
    'm',
  );
}

for (const code of codes) {
  test(`${code} is used, says what to try and is documented`, (t) => {
    t.true(thrown(code).test(source), 'no source file makes such an error');
    const { status, exit, message, hint } = ERRORS[code];
    t.regex(hint, /^\S.*\.$/);
    t.regex(message, /^\S.*[^.]$/, 'a message is continued by details, so it has no full stop');
    t.true(status >= 400 && status < 600);
    t.true(exit === 1 || exit === 2);
    t.true(page.includes(`| \`${code}\` | ${status} | ${exit} |`), 'docs/errors.md: run `npm run docs`');
  });
}

test('an error of its own words keeps the status and exit code of its code', (t) => {
  const error = new TenementError('not_found', 'There is no instance notes:x', { hint: 'Look again.' });
  t.deepEqual([error.status, error.exitCode, error.hint], [404, 1, 'Look again.']);
});
