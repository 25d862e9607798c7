import { resolve } from 'node:path';
import { TenementError } from '../base/errors.js';
import { crossCheck } from './cross-check.js';
import { readOwnedFile } from './find.js';
import { withAbsolutePaths } from './paths.js';
import { locator } from './positions.js';
import { formatPath, type Problem } from './problem.js';
import type { Config } from './schema.js';
import { parseToml } from './syntax.js';
import { pathInFile, validate } from './validate.js';

interface LoadOptions {
  readonly path: string;
  /** From --data-dir: replaces `settings.data_dir`; relative to the working directory. */
  readonly dataDir?: string | undefined;
  /** TENEMENT_DATA_DIR is used when `dataDir` is absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The user whose files are trusted beside root's; default: our own. */
  readonly self?: number | undefined;
}

/** A problem as it is reported: in `details.problems` of the error, and as one line of its message. */
export interface ReportedProblem {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly key: string;
  readonly problem: string;
  readonly suggestion: string | undefined;
  readonly missing?: string;
}

/**
 * Reads and checks a configuration file.
 * @throws TenementError `config_not_found`, `config_unsafe`; `config_invalid` with every problem, one a line
 *   (`file:line: key: problem`), and the same as ReportedProblem[] in `details.problems`. Values are never repeated.
 */
export function loadConfig({ path, dataDir, env = {}, self }: LoadOptions): Config {
  const file = resolve(path);
  const source = readOwnedFile(file, self).replace(/^\uFEFF/, '');
  const { value, problems } = validate(parse(source, file));
  const override = dataDir ?? (env.TENEMENT_DATA_DIR || undefined);
  const config = value && withAbsolutePaths(value, file, override && resolve(override));
  const further =
    config === undefined
      ? []
      : crossCheck(config)
          .filter(({ path }) => !isAffected(path, problems))
          .map((problem) => ({ ...problem, path: pathInFile(problem.path, problems) }));
  const all = [...problems, ...further];
  if (config === undefined || all.length > 0) throw configInvalid(file, source, all);
  return config;
}

function parse(source: string, file: string): unknown {
  const parsed = parseToml(source);
  if ('value' in parsed) return parsed.value;
  const { line, column, problem, hint } = parsed;
  throw new TenementError('config_invalid', `${file}:${line}:${column}: not valid TOML: ${problem}`, {
    hint,
    details: {
      problems: [{ file, line, column, key: '', problem, suggestion: undefined }] satisfies ReportedProblem[],
    },
  });
}

/** Keys whose wrong value changes what other keys of the service mean, so that nothing more can be said of it. */
const DECISIVE = ['listen', 'user', 'args', 'isolation', 'network'];

function isAffected(path: Problem['path'], problems: readonly Problem[]): boolean {
  return problems.some(
    (problem) =>
      problem.path[0] === 'service' &&
      path[0] === 'service' &&
      problem.path[1] === path[1] &&
      (problem.path.length === 2 || DECISIVE.includes(String(problem.path[2]))),
  );
}

/** The error that says all of them, with where they stand in the text of the file. */
export function configInvalid(
  file: string,
  source: string,
  problems: readonly Problem[],
  hint?: string,
): TenementError {
  const locate = locator(source);
  const reported = problems
    .map((problem): ReportedProblem => {
      const position = locate(problem.path);
      return {
        file,
        line: position?.line,
        column: position?.column,
        key: formatPath(problem.path),
        problem: problem.message,
        suggestion: problem.suggestion,
        ...(problem.missing !== undefined && { missing: problem.missing }),
      };
    })
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  return new TenementError('config_invalid', reported.map(line).join('\n'), {
    ...(hint !== undefined && { hint }),
    details: { problems: reported },
  });
}

function line({ file, line, key, problem, suggestion }: ReportedProblem): string {
  const where = line === undefined ? file : `${file}:${line}`;
  const meant = suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`;
  return `${where}: ${key === '' ? '' : `${key}: `}${problem}${meant}`;
}
