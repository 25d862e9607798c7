import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { isName } from '../base/names.js';
import { foreignKey } from './foreign-keys.js';
import type { Problem } from './problem.js';
import { type FileConfig, fileSchema } from './schema.js';

export type Validated =
  | { readonly value: FileConfig; readonly problems: readonly [] }
  /** `value`: what is left without the parts that are wrong, for further checks; undefined when nothing sensible is. */
  | { readonly value: FileConfig | undefined; readonly problems: readonly Problem[] };

/** Checks parsed TOML against the schema and puts zod's findings into words. */
export function validate(data: unknown): Validated {
  const unsafe = prototypeKeys(data, []);
  const result = fileSchema.safeParse(data);
  if (result.success && unsafe.length === 0) return { value: result.data, problems: [] };
  const problems = [...unsafe, ...(result.error?.issues.flatMap(problemsOf) ?? [])];
  const rest = fileSchema.safeParse(without(data, problems));
  return { value: rest.data, problems };
}

const PROTO = '__proto__';

/**
 * What is called `__proto__`: zod leaves it out without a word, since as a key of an object it may be none of its own. A service that is
 * missing, or a variable that an app does not get, must not be found out by its customers.
 */
function prototypeKeys(data: unknown, path: Problem['path']): Problem[] {
  if (!isTable(data)) return [];
  return Object.entries(data).flatMap(([key, value]) => {
    const at = [...path, Array.isArray(data) ? Number(key) : key];
    if (key === PROTO) return [{ path: at, message: 'this key is not possible: choose another name' }];
    return prototypeKeys(value, at);
  });
}

/** What stands in for a wrong value while the rest is checked, where its absence would make other things look wrong. */
const PLACEHOLDERS: Readonly<Record<string, unknown>> = {
  command: 'placeholder',
  isolation: 'process',
  admin_host: 'placeholder',
  backoff_base_ms: 0,
  backoff_max_ms: Number.MAX_SAFE_INTEGER,
};

/** A copy of the data without the values at the problems' paths. */
function without(data: unknown, problems: readonly Problem[]): unknown {
  const copy = structuredClone(data);
  // From the back, so that indexes of lists stay right.
  for (const { path } of problems.toReversed()) {
    const key = path.at(-1);
    const parent = path
      .slice(0, -1)
      .reduce<unknown>((node, part) => (isTable(node) ? node[part] : undefined), copy);
    if (key === undefined || !isTable(parent)) continue;
    const wholeService = path[0] === 'service' && path.length === 2 && isName(String(key));
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else if (wholeService) parent[key] = { command: PLACEHOLDERS.command };
    else if (Object.hasOwn(PLACEHOLDERS, key)) parent[key] = PLACEHOLDERS[key];
    else delete parent[key];
  }
  return copy;
}

function isTable(node: unknown): node is Record<string | number, unknown> {
  return typeof node === 'object' && node !== null;
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.filter((key) => key !== PROTO).map((key) => unknownKey(path, key));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, message: `this key is not possible: ${issue.issues[0]?.message ?? issue.message}` }];
  }
  if (issue.code === 'invalid_type' && issue.input === undefined && path.at(-1) === 'command') {
    return [{ path, message: 'is missing: every service needs a command' }];
  }
  return [{ path, message: issue.message }];
}

function unknownKey(path: readonly (string | number)[], key: string): Problem {
  const known = knownKeys(path);
  const suggestion = nearest(key, known);
  const reason = suggestion !== undefined && distance(key, suggestion) <= 1 ? undefined : foreignKey(key);
  const full = [...path, key];
  if (reason !== undefined) return { path: full, message: `is not a key of tenement: ${reason}` };
  if (suggestion !== undefined) return { path: full, message: 'is not a known key', suggestion };
  return { path: full, message: `is not a known key; known here: ${known.join(', ')}` };
}

/** At most a third of the letters may differ: further away, a suggestion is noise. */
function nearest(key: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.ceil(key.length / 3)) + 1;
  for (const candidate of known) {
    const far = distance(key.toLowerCase().replaceAll('-', '_'), candidate);
    if (far < least) {
      best = candidate;
      least = far;
    }
  }
  return best;
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
