/**
 * Building blocks of the schema: values as people write them in tenement.toml. Each says in its error what it expects,
 * and never repeats what it was given: a value may be a secret in the wrong place.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseDuration, parseSize } from '../base/units.js';

const DURATION = /^\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)$/;
// No flags: they would be lost in the JSON Schema.
const SIZE = /^\d+(?:\.\d+)?\s*(?:[KMGTkmgt](?:[Ii]?[Bb])?|[Bb])$/;
const MB = 2 ** 20;

/** Seconds in 24 days: no timer can wait longer (2^31 - 1 ms). */
export const LONGEST_WAIT = 24 * 86_400;
const TEN_YEARS = 3650 * 86_400;
/** What a number of bytes can be and still be exact; more than any disk has. */
const MOST_BYTES = Number.MAX_SAFE_INTEGER;

interface Quantity {
  readonly pattern: RegExp;
  readonly error: string;
  readonly kind: string;
  readonly convert: (value: number | string) => number;
  /** Of what was converted: the most, and how that is called. */
  readonly most: readonly [value: number, called: string];
}

function quantity({ pattern, error, kind, convert, most: [most, called] }: Quantity) {
  const message = ({ input }: { input?: unknown }) =>
    (typeof input === 'number' && input < 0) || (typeof input === 'string' && /^\s*-\s*\d/.test(input))
      ? `cannot be negative; ${error}`
      : error;
  return z
    .union(
      [
        z.number({ error }).min(0, { error: message }),
        z.string({ error }).regex(pattern, { error: message }),
      ],
      {
        error: message,
      },
    )
    .meta({ kind })
    .transform(convert)
    .refine((value) => value <= most, { error: `is too large: at most ${called}` });
}

const toSeconds = (value: number | string) =>
  typeof value === 'number' ? value : (parseDuration(value) ?? 0);

const SECONDS = {
  pattern: DURATION,
  error: 'expected a time: a number of seconds, or a string with a unit such as "90s", "5m", "250ms"',
  kind: 'time (seconds)',
  convert: toSeconds,
};

/** Seconds as a number or a string with a unit -> seconds. */
export const seconds = quantity({ ...SECONDS, most: [LONGEST_WAIT, '24 days'] });

/** Like `seconds`, for what may be longer than a single wait. */
export const longSeconds = quantity({ ...SECONDS, most: [TEN_YEARS, '3650 days'] });

/** Like `seconds`, where none at all makes no sense. */
export const someSeconds = seconds.refine((value) => value > 0, { error: 'expected more than 0 seconds' });

/** Milliseconds as a number or a string with a unit -> milliseconds. */
export const milliseconds = quantity({
  pattern: DURATION,
  error: 'expected a time: a number of milliseconds, or a string with a unit such as "250ms", "2s"',
  kind: 'time (milliseconds)',
  convert: (value) => (typeof value === 'number' ? value : toSeconds(value) * 1000),
  most: [LONGEST_WAIT * 1000, '24 days'],
});

/** MB (2^20 bytes) as a number or a string with a unit -> MB. */
export const megabytes = quantity({
  pattern: SIZE,
  error: 'expected a size: a number of MB, or a string with a unit such as "512M", "2G"',
  kind: 'size (MB)',
  convert: (value) => (typeof value === 'number' ? value : (parseSize(value) ?? 0) / MB),
  most: [MOST_BYTES / MB, '8191 T'],
});

/** Bytes as a number or a string with a unit -> bytes. */
export const bytes = quantity({
  pattern: SIZE,
  error: 'expected a size: a number of bytes, or a string with a unit such as "64K", "50M"',
  kind: 'size (bytes)',
  convert: (value) => Math.round(typeof value === 'number' ? value : (parseSize(value) ?? 0)),
  most: [MOST_BYTES, '8191 T'],
});

/** A whole number within bounds, both included. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER) {
  const bounded = max < Number.MAX_SAFE_INTEGER;
  const error = ({ input }: { input?: unknown }) => {
    if (!bounded && typeof input === 'number' && input > max) return 'is too large';
    return bounded
      ? `expected a whole number from ${min} to ${max}`
      : `expected a whole number of at least ${min}`;
  };
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** For tables whose keys the schema knows. */
export const A_TABLE = 'expected a table';

export function choice<const T extends readonly [string, ...string[]]>(...options: T) {
  return z.enum(options, { error: `expected one of ${options.map((o) => `"${o}"`).join(', ')}` });
}

export const flag = z.boolean({ error: 'expected true or false' });

/** Any text without NUL: neither paths nor arguments nor variables can carry one. */
export const text = z
  .string({ error: 'expected a string, in quotes' })
  .regex(/^[^\u0000]*$/, { error: 'a NUL byte is not possible here' });

export const nonEmpty = text.min(1, { error: 'expected a string that is not empty' });

/** A file or directory. `~` is refused here, because no shell is there to replace it. */
export const path = nonEmpty.regex(/^(?:[^~]|$)/, {
  error: '"~" is not replaced, since no shell is involved: write the absolute path',
});

export const NAME_RULE =
  '1 to 63 characters of a-z, 0-9, "-" and "_", beginning and ending with a letter or a digit';

/** Name of a service or an id; the same rule as base/names.ts, as a pattern for the JSON Schema. */
export const name = z
  .string({ error: `expected a name: ${NAME_RULE}` })
  .regex(/^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/, {
    error: `expected a name: ${NAME_RULE}`,
  });

/** A host name without scheme and port -> in lower case, without a final dot. Underscores are allowed in labels. */
export const hostname = z
  .string({ error: 'expected a host name' })
  .max(253, { error: 'a host name has at most 253 characters' })
  .regex(
    /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/,
    {
      error: 'expected a host name without scheme and port, such as "ops.example.com"',
    },
  )
  .transform((host) => host.toLowerCase().replace(/\.$/, ''));

const ADDRESS = 'expected "ip:port", such as "127.0.0.1:8080", "[::1]:8080" or "0.0.0.0:8080"';

/** An address to listen on. `unix:/path` is part of the language, though not of this version. */
export const listenAddress = z
  .string({ error: ADDRESS })
  .refine((value) => value.startsWith('unix:/') || parseAddress(value) !== undefined, { error: ADDRESS });

/** `ip:port` of another program, on loopback. */
export const localAddress = z
  .string({ error: ADDRESS })
  .refine((value) => parseAddress(value) !== undefined, {
    error: 'expected "ip:port", such as "127.0.0.1:5432"',
  });

/** An IP address or a range in CIDR form. */
export const network = z
  .string({ error: 'expected an IP address or a range such as "10.0.0.0/8"' })
  .refine(isNetwork, { error: 'expected an IP address or a range such as "10.0.0.0/8"' });

/** "127.0.0.1:8080", "[::1]:8080" -> host and port; undefined for anything else. */
export function parseAddress(value: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65535) return undefined;
  if (isIP(host) !== (match?.[1] === undefined ? 4 : 6)) return undefined;
  return { host, port };
}

function isNetwork(value: string): boolean {
  const [address, prefix, ...rest] = value.split('/');
  const version = isIP(address ?? '');
  if (version === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}
