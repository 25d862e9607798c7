import { assertName, formatKey, type InstanceKey, parseKey } from '../base/names.js';
import { usageError } from './fail.js';

/**
 * `notes:alice`, or `notes` with `--id alice` (for deploy: `--version v2`).
 * @throws TenementError `usage` or `invalid`
 */
export function instanceOf(text: string, id: string | undefined, flag = '--id'): InstanceKey {
  if (text.includes(':')) {
    const key = parseKey(text);
    if (id !== undefined && id !== key.id) throw usageError(`"${text}" and ${flag} ${id} name two instances`);
    return key;
  }
  assertName(text, 'service');
  if (id === undefined) {
    throw usageError(
      `"${text}" names a service; which instance of it?`,
      `write ${text}:NAME or ${text} ${flag} NAME`,
    );
  }
  assertName(id, 'id');
  return { service: text, id };
}

/** `notes` or `notes:alice`: for commands that take both. */
export function serviceOrInstance(text: string, id: string | undefined): { service: string; id?: string } {
  if (text.includes(':') || id !== undefined) return instanceOf(text, id);
  assertName(text, 'service');
  return { service: text };
}

/** The API's path of an instance, or of something below it. */
export function instancePath(key: InstanceKey, below = ''): string {
  return `/api/instances/${encodeURIComponent(formatKey(key))}${below}`;
}

/** A whole number from the command line. @throws TenementError `usage` */
export function wholeNumber(text: string, what: string, min: number, max: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw usageError(`${what} must be a whole number from ${min} to ${max}, not "${text}"`);
  return value;
}
