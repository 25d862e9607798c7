/** What an instance was started with, as digests: a later server sees by them what has changed since. Pure. */
import { createHash } from 'node:crypto';
import type { ServiceConfig } from '../config/schema.js';
import type { StartedWith } from '../state/types.js';
import { PROCESS_KEYS } from './reload.js';

type Key = keyof ServiceConfig;

/** Of every setting that reaches the process, also of those that are not set. */
export function digestsOf(service: ServiceConfig): StartedWith['digests'] {
  return Object.fromEntries(PROCESS_KEYS.map((key) => [key, digest(service[key])]));
}

/**
 * The settings that differ now, in the order of the schema. One that the version which started it did not have says nothing: it was of no
 * influence then, and an upgrade is no reason to restart everything.
 */
export function changedSince(digests: StartedWith['digests'], service: ServiceConfig): Key[] {
  return PROCESS_KEYS.filter((key) => digests[key] !== undefined && digests[key] !== digest(service[key]));
}

/** Long enough that nothing is the same by chance. The values may be secrets, and what is saved is not to have them. */
const DIGEST_CHARS = 22;

function digest(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value, inOneOrder) ?? '')
    .digest('base64url')
    .slice(0, DIGEST_CHARS);
}

/** The order of keys in a table says nothing. JSON has no bigint. */
function inOneOrder(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
