/** What stands for a value that may be a secret. */
const REDACTED = '***';

/** A directory under the data directory, or one of our own words alone: no secret, and what one wants to see. */
const HARMLESS = /^(?:\{data_dir\}[\w./{}-]*|\{(?:name|id|port|socket|version)\})$/;

/**
 * A copy of the configuration to be shown: values of the environment tables are hidden, for people put secrets there although
 * they should not. Undefined values are left out, as in the file. Pure.
 */
export function redactConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return mapTable(config, (value, path) => {
    const inEnv = path.length === 4 && path[0] === 'service' && path[2] === 'env';
    return inEnv && !(typeof value === 'string' && HARMLESS.test(value)) ? REDACTED : value;
  });
}

type Change = (value: unknown, path: readonly string[]) => unknown;

function mapTable(
  table: Readonly<Record<string, unknown>>,
  change: Change,
  at: string[] = [],
): Record<string, unknown> {
  const entries = Object.entries(table)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, unknown] => {
      const path = [...at, key];
      return [key, isTable(value) ? mapTable(value, change, path) : change(value, path)];
    });
  return Object.fromEntries(entries);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
