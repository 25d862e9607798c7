/** Pure: values of `[service.x.systemd]` as systemd's D-Bus interface takes them (org.freedesktop.systemd1(5)). 64-bit numbers are bigint. */
import { isIP } from 'node:net';
import { parseDuration, parseSize } from '../base/units.js';

/** As TOML gives it. */
export type UnitValue = string | number | boolean | readonly string[];

/** One kind of value: its D-Bus type, what is expected, and how it is read; undefined: that is not one. */
export interface Kind {
  readonly signature: string;
  readonly expected: string;
  readonly read: (value: UnitValue) => unknown;
}

/** UINT64_MAX: no limit. */
const INFINITY = 0xffff_ffff_ffff_ffffn;

export const BOOLEAN: Kind = {
  signature: 'b',
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};

export const ONLY_TRUE: Kind = {
  ...BOOLEAN,
  expected: 'true: it cannot be switched off',
  read: (value) => (value === true ? true : undefined),
};

export const BYTES: Kind = {
  signature: 't',
  expected: 'a size, such as "512M", a number of bytes, or "infinity"',
  read(value) {
    if (value === 'infinity') return INFINITY;
    const bytes = typeof value === 'string' ? parseSize(value) : value;
    return whole(bytes, 0, Number.MAX_SAFE_INTEGER);
  },
};

export const COUNT: Kind = {
  signature: 't',
  expected: 'a whole number, or "infinity"',
  read: (value) => (value === 'infinity' ? INFINITY : whole(value, 0, Number.MAX_SAFE_INTEGER)),
};

export const WEIGHT: Kind = {
  signature: 't',
  expected: 'a whole number from 1 to 10000',
  read: (value) => whole(value, 1, 10_000),
};

export const TIME: Kind = {
  signature: 't',
  expected: 'a time, such as "5s", "250ms", "2h", a number of seconds, or "infinity"',
  read(value) {
    if (value === 'infinity') return INFINITY;
    const seconds = typeof value === 'string' ? parseDuration(value) : value;
    return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0
      ? BigInt(Math.round(seconds * 1_000_000))
      : undefined;
  },
};

/** Of one processor, in microseconds per second. */
export const PERCENT: Kind = {
  signature: 't',
  expected: 'a percentage of one processor, such as "150%"',
  read(value) {
    const percent = typeof value === 'string' ? /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1] : undefined;
    return percent === undefined || Number(percent) === 0
      ? undefined
      : BigInt(Math.round(Number(percent) * 10_000));
  },
};

export const MODE: Kind = {
  signature: 'u',
  expected: 'an octal mode, such as "0077"',
  read: (value) =>
    typeof value === 'string' && /^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : undefined,
};

/** `a(st)`: per second, of one disk or file system. */
export const RATES: Kind = {
  signature: 'a(st)',
  expected: 'a list of a path and a rate, such as ["/dev/vda 10M"]',
  read(value) {
    const rates = list(value, () => true)?.map((text) => {
      const [, path = '', rate = ''] = /^(\/\S*)\s+(\S+)$/.exec(text) ?? [];
      return [path, whole(parseSize(rate), 1, Number.MAX_SAFE_INTEGER)];
    });
    return rates?.every(([, rate]) => rate !== undefined) ? rates : undefined;
  },
};

/** `a(iayu)`: family, bytes and length of the prefix. The names are those of systemd.resource-control(5). */
export const NETWORKS: Kind = {
  signature: 'a(iayu)',
  expected: 'a list of addresses and ranges, such as ["169.254.0.0/16", "any"]',
  read(value) {
    const networks = list(value, () => true)?.map((text) => NAMED[text] ?? [text]);
    const rows = networks?.flat().map(networkRow);
    return rows?.every((row) => row !== undefined) ? rows : undefined;
  },
};

const NAMED: Readonly<Record<string, readonly string[]>> = {
  any: ['0.0.0.0/0', '::/0'],
  localhost: ['127.0.0.0/8', '::1/128'],
  'link-local': ['169.254.0.0/16', 'fe80::/64'],
  multicast: ['224.0.0.0/4', 'ff00::/8'],
};

export function integer(min: number, max: number): Kind {
  return {
    signature: 'i',
    expected: `a whole number from ${min} to ${max}`,
    read(value) {
      const number = whole(value, min, max);
      return number === undefined ? undefined : Number(number);
    },
  };
}

export function choice(...names: readonly string[]): Kind {
  return {
    signature: 's',
    expected: `one of ${names.map((name) => `"${name}"`).join(', ')}`,
    read: (value) => (typeof value === 'string' && names.includes(value) ? value : undefined),
  };
}

/** `(bas)` as an allow-list of these. */
export function someOf(...names: readonly string[]): Kind {
  return {
    signature: '(bas)',
    expected: `a list out of ${names.map((name) => `"${name}"`).join(', ')}`,
    read(value) {
      const some = list(value, (name) => names.includes(name));
      return some === undefined ? undefined : [true, some];
    },
  };
}

/** `(bas)` that takes away: systemd's own sign for that. */
export const TAKEN_AWAY: Kind = {
  signature: '(bas)',
  expected: 'a list of what else is refused, each with a "~" in front, such as ["~@chown", "~fork"]',
  read(value) {
    const names = list(value, (name) => /^~@?[a-z0-9_-]+$/.test(name));
    return names === undefined ? undefined : [false, names.map((name) => name.slice(1))];
  },
};

function whole(value: unknown, min: number, max: number): bigint | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return undefined;
  return value >= min && value <= max ? BigInt(value) : undefined;
}

function list(value: UnitValue, fits: (text: string) => boolean): string[] | undefined {
  const texts = typeof value === 'string' ? [value] : value;
  return Array.isArray(texts) && texts.length > 0 && texts.every(fits) ? [...texts] : undefined;
}

const AF_INET = 2;
const AF_INET6 = 10;

function networkRow(text: string): [family: number, address: Buffer, prefix: number] | undefined {
  const [host = '', prefix] = text.split('/');
  const version = isIP(host);
  if (version === 0 || host.includes('%')) return undefined;
  const bits = version === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d+$/.test(prefix) ? Number(prefix) : -1;
  if (length < 0 || length > bits) return undefined;
  return [version === 4 ? AF_INET : AF_INET6, version === 4 ? bytesOf4(host) : bytesOf6(host), length];
}

function bytesOf4(host: string): Buffer {
  return Buffer.from(host.split('.').map(Number));
}

function bytesOf6(host: string): Buffer {
  // The last part may be an address of version 4 (RFC 4291, 2.2).
  const four = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(host);
  const text =
    four === null
      ? host
      : `${four[1]}${bytesOf4(four[2] ?? '')
          .toString('hex')
          .replace(/^(....)/, '$1:')}`;
  const [left = '', right] = text.split('::');
  const words = (part: string) => part.split(':').filter((word) => word !== '');
  const [before, after] = [words(left), words(right ?? '')];
  const zeros = right === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}
