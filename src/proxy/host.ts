import { isIPv4, isIPv6 } from 'node:net';

/** A Host header taken apart: lower case, without brackets, port and trailing dot. */
export interface ParsedHost {
  readonly name: string;
  /** undefined when the header has none (or an empty one, which RFC 9110 4.2 treats alike). */
  readonly port: string | undefined;
  readonly isIp: boolean;
}

/** What the request line and the Host header say together. */
export interface Authority {
  /** undefined: an HTTP/1.0 request without Host. */
  readonly host: ParsedHost | undefined;
  /** The value as sent, for X-Forwarded-Host. */
  readonly rawHost: string | undefined;
  /** Origin form (`/a?b`) or `*`, as it goes to the app. */
  readonly path: string;
}

/** A DNS name has at most 253 characters; the header may add a port. */
const MAX_HOST = 255;

/** Underscores are no host name characters of RFC 952, but people use them in ids. */
const NAMED = /^([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?(?::(\d{0,5}))?$/;
const BRACKETED = /^\[([0-9a-f:.]+)\](?::(\d{0,5}))?$/;

/** Hosts come again and again. Bounded: they are a client's choice. */
const known = new Map<string, ParsedHost>();
const MOST_KNOWN = 2000;

/** Parses the value of a Host header; undefined when it is malformed. */
export function parseHost(value: string): ParsedHost | undefined {
  if (value.length > MAX_HOST) return undefined;
  const found = known.get(value);
  if (found !== undefined) return found;
  const parsed = parse(value.toLowerCase());
  if (parsed === undefined) return undefined;
  if (known.size >= MOST_KNOWN) known.clear();
  // A copy, which does not hold on to the head that the value was cut from.
  known.set(Buffer.from(value, 'latin1').toString('latin1'), parsed);
  return parsed;
}

function parse(text: string): ParsedHost | undefined {
  const six = BRACKETED.exec(text);
  if (six?.[1] !== undefined) {
    return isIPv6(six[1]) ? { name: six[1], port: six[2] || undefined, isIp: true } : undefined;
  }
  const named = NAMED.exec(text);
  if (named?.[1] === undefined) return undefined;
  return { name: named[1], port: named[2] || undefined, isIp: isIPv4(named[1]) };
}

/**
 * Finds the one authority of a request (RFC 9112 3.2); undefined when the request must be refused with 400.
 * Attack stopped here: two Host headers, or an absolute request line that names another host than the Host header, make two
 * programs in a row route the same request differently.
 */
export function authorityOf(hosts: readonly string[], target: string, minor: 0 | 1): Authority | undefined {
  if (hosts.length > 1) return undefined;
  const rawHost = hosts[0];
  if (rawHost === undefined && minor !== 0) return undefined;
  const host = rawHost === undefined ? undefined : parseHost(rawHost);
  if (rawHost !== undefined && host === undefined) return undefined;
  if (target.startsWith('/') || target === '*') return { host, rawHost, path: target };
  return fromAbsolute(target, host, rawHost);
}

function fromAbsolute(
  target: string,
  host: ParsedHost | undefined,
  rawHost: string | undefined,
): Authority | undefined {
  const match = /^(https?):\/\/([^/?#]*)([^#]*)$/i.exec(target);
  if (match === null) return undefined;
  const named = parseHost(match[2] ?? '');
  if (named === undefined) return undefined;
  const standard = match[1]?.toLowerCase() === 'https' ? '443' : '80';
  if (host !== undefined) {
    if (named.name !== host.name || (named.port ?? standard) !== (host.port ?? standard)) return undefined;
  }
  const rest = match[3] ?? '';
  return { host: named, rawHost: rawHost ?? match[2], path: rest.startsWith('/') ? rest : `/${rest}` };
}
