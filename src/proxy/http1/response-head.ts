import { type ConnectionOptions, connectionOptions } from './connection-options.js';
import { Kind } from './field-kind.js';
import { type FieldSection, parseFields } from './field-section.js';

/** A response's head, checked. */
export interface ResponseHead {
  readonly text: string;
  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  readonly minor: 0 | 1;
  readonly status: number;
  readonly fields: FieldSection;
  readonly connection: ConnectionOptions;
  /** As the fields say; see `responseFraming` for what follows from the request. */
  readonly length: number | undefined;
  readonly chunked: boolean;
}

/** How a response's body is delimited: by its length, in chunks, by the end of the connection, or there is none. */
export type ResponseFraming =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

const SP = 0x20;
const CR = 0x0d;
const ZERO = 0x30;
const LENGTH = /^\d{1,15}$/;

/**
 * Parses the text of a HeadReader strictly; undefined: it makes no sense. Attack stopped: an app, or who can put bytes into its answers,
 * makes two answers of one; so a response has one length too.
 */
export function parseResponseHead(text: string): ResponseHead | undefined {
  const minor = text.charCodeAt(7) - ZERO;
  const status = statusOf(text);
  if (!text.startsWith('HTTP/1.') || (minor !== 0 && minor !== 1) || status === undefined) return undefined;
  const fields = parseFields(text, text.indexOf('\r') + 2);
  if (fields === undefined) return undefined;
  const { kinds } = fields;
  let length: number | undefined;
  let chunked = false;
  for (let i = 0; i < kinds.length; i += 1) {
    const kind = kinds[i];
    if (kind !== Kind.contentLength && kind !== Kind.transferEncoding) continue;
    const value = fields.value(i);
    if (length !== undefined || chunked) return undefined;
    if (kind === Kind.contentLength) {
      if (!LENGTH.test(value)) return undefined;
      length = Number(value);
    } else if (minor === 1 && value.toLowerCase() === 'chunked') chunked = true;
    else return undefined;
  }
  return {
    text,
    minor,
    status,
    fields,
    connection: connectionOptions(fields),
    length,
    chunked,
  };
}

/** Three digits behind the version and one space, then a reason or nothing (RFC 9112 4). */
function statusOf(text: string): number | undefined {
  const hundreds = text.charCodeAt(9) - ZERO;
  const tens = text.charCodeAt(10) - ZERO;
  const ones = text.charCodeAt(11) - ZERO;
  const behind = text.charCodeAt(12);
  const digits = hundreds >= 1 && hundreds <= 9 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9;
  if (!digits || text.charCodeAt(8) !== SP || (behind !== SP && behind !== CR)) return undefined;
  return hundreds * 100 + tens * 10 + ones;
}

const NONE: ResponseFraming = { kind: 'length', length: 0 };
const CHUNKED: ResponseFraming = { kind: 'chunked' };
const CLOSE: ResponseFraming = { kind: 'close' };

/** RFC 9112 6.3: HEAD, 1xx, 204 and 304 have no body whatever their fields say. */
export function responseFraming(head: ResponseHead, method: string): ResponseFraming {
  if (hasNoBody(head.status, method)) return NONE;
  if (head.chunked) return CHUNKED;
  return head.length === undefined ? CLOSE : { kind: 'length', length: head.length };
}

export function hasNoBody(status: number, method: string): boolean {
  return method === 'HEAD' || status < 200 || status === 204 || status === 304;
}

/** Whether the app leaves its connection open behind this answer (RFC 9112 9.3). */
export function isPersistent(head: ResponseHead): boolean {
  if (head.connection.close) return false;
  return head.minor === 1 || head.connection.keepAlive;
}
