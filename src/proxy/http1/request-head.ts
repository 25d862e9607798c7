import { type ConnectionOptions, connectionOptions } from './connection-options.js';
import { Kind } from './field-kind.js';
import { type FieldSection, parseFields } from './field-section.js';
import { consistsOf, TARGET, TOKEN } from './octets.js';

/** A request's head, checked. */
export interface RequestHead {
  /** As received, with the empty line. */
  readonly text: string;
  readonly method: string;
  readonly target: string;
  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  readonly minor: 0 | 1;
  readonly fields: FieldSection;
  readonly connection: ConnectionOptions;
  /** How the body is delimited (RFC 9112 6.3); `length` 0: there is none. */
  readonly body: RequestFraming;
  /** `Expect` is there, and the client understands 100 (Continue). */
  readonly expects: boolean;
}

export type RequestFraming =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' };

const NONE: RequestFraming = { kind: 'length', length: 0 };
const CHUNKED: RequestFraming = { kind: 'chunked' };
const HTAB = 9;

/** Decimal digits that stay exact in a number: 10^15 - 1 bytes are enough. */
const LENGTH = /^\d{1,15}$/;

/** Parses the text of a HeadReader strictly (RFC 9112 2-6); undefined: answer 400 and close. */
export function parseRequestHead(text: string): RequestHead | undefined {
  const lineEnd = text.indexOf('\r');
  const methodEnd = text.indexOf(' ');
  const targetEnd = text.indexOf(' ', methodEnd + 1);
  // The line ends with one of the two versions, and there are exactly two spaces in it.
  if (methodEnd < 1 || targetEnd === -1 || targetEnd !== lineEnd - 9) return undefined;
  if (!text.startsWith('HTTP/1.', targetEnd + 1)) return undefined;
  const digit = text.charCodeAt(lineEnd - 1);
  if (digit !== 0x30 && digit !== 0x31) return undefined;
  const minor = digit === 0x31 ? 1 : 0;
  const method = methodOf(text, methodEnd);
  const target = text.slice(methodEnd + 1, targetEnd);
  if (!consistsOf(method, TOKEN) || !consistsOf(target, TARGET) || !hasForm(target, method)) return undefined;
  const fields = parseFields(text, lineEnd + 2);
  if (fields === undefined) return undefined;
  const body = framingOf(text, fields, minor);
  if (body === undefined) return undefined;
  const expects = minor === 1 && fields.has(Kind.expect);
  return { text, method, target, minor, fields, connection: connectionOptions(fields), body, expects };
}

/** The usual ones as the constants that they are compared with: a string cut out of a head has to be compared character by character. */
function methodOf(text: string, end: number): string {
  if (end === 3 && text.startsWith('GET')) return 'GET';
  if (end === 4 && text.startsWith('POST')) return 'POST';
  return text.slice(0, end);
}

/** Absolute-form whose authority is a host and a port: nothing else can be that of a Host (RFC 9112 3.2.2). */
const ABSOLUTE = /^https?:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d*)?(?:[/?]|$)/i;

/** Origin, absolute or asterisk form (RFC 9112 3.2); the authority form is for CONNECT alone. */
function hasForm(target: string, method: string): boolean {
  if (target.charCodeAt(0) === 0x2f) return true;
  if (method === 'CONNECT') return true;
  return target === '*' ? method === 'OPTIONS' : ABSOLUTE.test(target);
}

/**
 * Attack stopped: request smuggling. Where two programs in a row could come to different ends of the body, there is no body but an error:
 * both lengths, a repeated one, one that is not plain digits, a coding that is not exactly `chunked`, chunks in HTTP/1.0.
 */
function framingOf(text: string, fields: FieldSection, minor: number): RequestFraming | undefined {
  if (!fields.has(Kind.contentLength) && !fields.has(Kind.transferEncoding)) return NONE;
  const { kinds, starts } = fields;
  let framing: RequestFraming | undefined;
  for (let i = 0; i < kinds.length; i += 1) {
    const kind = kinds[i];
    if (kind !== Kind.contentLength && kind !== Kind.transferEncoding) continue;
    const value = fields.value(i);
    if (framing !== undefined) return undefined;
    if (kind === Kind.contentLength) {
      // Node's parser takes no tab behind a length, so another program may not either.
      const tab = text.charCodeAt((starts[i + 1] as number) - 3) === HTAB;
      if (tab || !LENGTH.test(value)) return undefined;
      framing = { kind: 'length', length: Number(value) };
    } else {
      if (minor === 0 || value.toLowerCase() !== 'chunked') return undefined;
      framing = CHUNKED;
    }
  }
  return framing ?? NONE;
}
