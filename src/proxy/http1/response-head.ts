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

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |\r)/;
const LENGTH = /^\d{1,15}$/;

/**
 * Parses the text of a HeadReader strictly; undefined: it makes no sense. Attack stopped: an app, or who can put bytes into its answers,
 * makes two answers of one; so a response has one length too.
 */
export function parseResponseHead(text: string): ResponseHead | undefined {
  const line = STATUS_LINE.exec(text);
  if (line === null) return undefined;
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
    } else if (line[1] === '1' && value.toLowerCase() === 'chunked') chunked = true;
    else return undefined;
  }
  return {
    text,
    minor: line[1] === '1' ? 1 : 0,
    status: Number(line[2]),
    fields,
    connection: connectionOptions(fields),
    length,
    chunked,
  };
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
