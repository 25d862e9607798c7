import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { isName } from '../base/names.js';
import { nearest } from '../base/nearest.js';
import { foreignKey } from './foreign-keys.js';
import type { Problem } from './problem.js';
import { type FileConfig, fileSchema } from './schema.js';
import { serviceSchema } from './service.js';
import { LONGEST_WAIT } from './values.js';

export type Validated =
  | { readonly value: FileConfig; readonly problems: readonly [] }
  /** `value`: what is left without the parts that are wrong, for further checks; undefined when nothing sensible is. */
  | { readonly value: FileConfig | undefined; readonly problems: readonly Problem[] };

/** Checks parsed TOML against the schema and puts zod's findings into words. */
export function validate(data: unknown): Validated {
  const result = fileSchema.safeParse(data);
  const found = [
    ...impossible(data, []),
    ...(result.error?.issues.flatMap((issue) => problemsOf(issue, data)) ?? []),
    ...dates(data, []),
  ];
  if (result.success && found.length === 0) return { value: result.data, problems: [] };
  const problems = firstOfEach(found);
  const rest = fileSchema.safeParse(without(data, problems));
  return { value: rest.data, problems };
}

/** What is of the wrong type is often too short as well; one thing at a time. */
function firstOfEach(problems: readonly Problem[]): Problem[] {
  const byPath = new Map<string, Problem>();
  for (const problem of problems) {
    const id = JSON.stringify(problem.path);
    if (!byPath.has(id)) byPath.set(id, problem);
  }
  return [...byPath.values()];
}

/** A date is an object without keys, and so passes for an empty table. Where anything else is expected zod has found it. */
function dates(data: unknown, path: Problem['path']): Problem[] {
  if (data instanceof Date) return [{ path, message: `expected a table${insteadOf(data)}` }];
  return children(data).flatMap(([key, value]) => dates(value, [...path, key]));
}

const PROTO = '__proto__';

/**
 * What is called `__proto__`: zod leaves it out without a word, since as a key of an object it may be none of its own. A service that is
 * missing, or a variable that an app does not get, must not be found out by its customers.
 */
function impossible(data: unknown, path: Problem['path']): Problem[] {
  return children(data).flatMap(([key, value]) => {
    const at = [...path, key];
    if (key === PROTO) return [{ path: at, message: 'this key is not possible: choose another name' }];
    return impossible(value, at);
  });
}

function children(data: unknown): [string | number, unknown][] {
  if (Array.isArray(data)) return [...data.entries()];
  return isTable(data) ? Object.entries(data) : [];
}

/** What stands in for a wrong value while the rest is checked, where its absence would make other things look wrong. */
const PLACEHOLDERS: Readonly<Record<string, unknown>> = {
  command: 'placeholder',
  isolation: 'process',
  admin_host: 'placeholder',
  backoff_base_ms: 0,
  backoff_max_ms: LONGEST_WAIT * 1000,
};

const REMOVED = Symbol('removed');

/** A copy of the data without the values at the problems' paths. */
function without(data: unknown, problems: readonly Problem[]): unknown {
  const copy = structuredClone(data);
  const lists = new Set<unknown[]>();
  for (const { path } of problems) {
    // Half of a range is none.
    const at = isRange(path) ? path.slice(0, 2) : path;
    const key = at.at(-1);
    const parent = valueAt(copy, at.slice(0, -1));
    if (key === undefined || !isTable(parent)) continue;
    const wholeService = path[0] === 'service' && path.length === 2 && isName(String(key));
    if (Array.isArray(parent)) {
      parent[Number(key)] = REMOVED;
      lists.add(parent);
    } else if (wholeService) parent[key] = { command: PLACEHOLDERS.command };
    else if (Object.hasOwn(PLACEHOLDERS, key)) parent[key] = PLACEHOLDERS[key];
    else delete parent[key];
  }
  // At the end, so that indexes stay right until then.
  for (const list of lists) list.splice(0, list.length, ...list.filter((one) => one !== REMOVED));
  return copy;
}

const isRange = (path: Problem['path']): boolean =>
  path[0] === 'settings' && path.length === 3 && ['port_range', 'uid_range'].includes(String(path[1]));

/** Where something stands in the file that stands at `path` in what `validate` has left of it: wrong elements of lists are gone there. */
export function pathInFile(path: Problem['path'], problems: readonly Problem[]): Problem['path'] {
  const real: (string | number)[] = [];
  for (const part of path) {
    let index = part;
    if (typeof index === 'number') {
      const gone = problems
        .filter((one) => one.path.length === real.length + 1 && real.every((at, i) => one.path[i] === at))
        .flatMap((one) => one.path[real.length] ?? [])
        .filter((at) => typeof at === 'number')
        .sort((a, b) => a - b);
      for (const at of gone) if (at <= index) index += 1;
    }
    real.push(index);
  }
  return real;
}

function isTable(node: unknown): node is Record<string | number, unknown> {
  return typeof node === 'object' && node !== null;
}

function problemsOf(issue: z.core.$ZodIssue, data: unknown): Problem[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.filter((key) => key !== PROTO).map((key) => unknownKey(path, key));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, message: `this key is not possible: ${issue.issues[0]?.message ?? issue.message}` }];
  }
  const value = valueAt(data, path);
  if (value === undefined) return [{ path, message: missing(path) }];
  const [table, key] = path;
  // `[service]` and then its keys: the name was left out.
  if (table === 'service' && path.length === 2 && Object.hasOwn(serviceSchema.shape, String(key))) {
    return [
      {
        path,
        message: `is a key of a service: it stands below [service.NAME], where NAME is yours to choose`,
      },
    ];
  }
  return [{ path, message: `${issue.message}${isOfWrongType(issue, value) ? insteadOf(value) : ''}` }];
}

function valueAt(data: unknown, path: Problem['path']): unknown {
  return path.reduce<unknown>(
    (node, part) => (isTable(node) && Object.hasOwn(node, part) ? node[part] : undefined),
    data,
  );
}

const missing = (path: Problem['path']): string =>
  path.at(-1) === 'command' ? 'is missing: every service needs a command' : 'is missing';

/** Only then what it is helps: a string that is not one of the words, or a number that is too large, is of the right type. */
function isOfWrongType(issue: z.core.$ZodIssue, value: unknown): boolean {
  if (issue.code === 'invalid_type') return true;
  const scalar = typeof value === 'string' || (issue.code === 'invalid_union' && Number.isFinite(value));
  return (issue.code === 'invalid_value' || issue.code === 'invalid_union') && !scalar;
}

/** The type of a wrong value, which never tells the value itself. */
function insteadOf(value: unknown): string {
  if (typeof value === 'string') return ', not a string';
  if (typeof value === 'boolean') return ', not true or false';
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return ', not nan or inf';
    return Number.isInteger(value) ? ', not a number' : ', not a fraction';
  }
  if (value instanceof Date) return ', not a date or a time of day';
  return Array.isArray(value) ? ', not a list' : ', not a table';
}

function unknownKey(path: readonly (string | number)[], key: string): Problem {
  const known = knownKeys(path);
  const suggestion = nearest(key.toLowerCase().replaceAll('-', '_'), known);
  const reason = suggestion !== undefined && distance(key, suggestion) <= 1 ? undefined : foreignKey(key);
  const full = [...path, key];
  if (reason !== undefined) return { path: full, message: `is not a key of tenement: ${reason}` };
  if (suggestion !== undefined) return { path: full, message: 'is not a known key', suggestion };
  return { path: full, message: `is not a known key; known here: ${known.join(', ')}` };
}

interface Node {
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
}

/** The keys that the schema has at a path. */
function knownKeys(path: readonly (string | number)[]): string[] {
  let node = z.toJSONSchema(fileSchema, { io: 'input' }) as Node;
  for (const part of path) {
    const next = node.properties?.[part] ?? node.additionalProperties;
    if (typeof next !== 'object') return [];
    node = next;
  }
  return Object.keys(node.properties ?? {});
}
