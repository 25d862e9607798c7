/**
 * A decoder of HTTP/1.1 messages for tests, strict where RFC 9112 gives no choice, and written apart from the proxy's so that
 * both can't be wrong in the same way. Bytes are latin1 strings: one character, one byte.
 */

export type Framing = 'none' | 'length' | 'chunked' | 'close';
export type Field = readonly [name: string, value: string];

export interface WireHead {
  /** Request line or status line. */
  readonly start: string;
  readonly fields: readonly Field[];
  /** Bytes of the head including its empty line. */
  readonly length: number;
}

export interface WireMessage extends WireHead {
  readonly framing: Framing;
  readonly body: string;
  readonly trailers: readonly Field[];
}

export class WireError extends Error {}

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const STATUS_LINE = /^HTTP\/1\.1 [1-9][0-9]{2} [\t\x20-\x7e\x80-\xff]*$/;
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP\/1\.1$/;

/** The head at the start of `bytes`; undefined while it is incomplete. @throws WireError */
export function takeHead(bytes: string, kind: 'request' | 'response'): WireHead | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [start = '', ...lines] = bytes.slice(0, end).split('\r\n');
  if (!(kind === 'request' ? REQUEST_LINE : STATUS_LINE).test(start))
    throw new WireError(`bad start line ${JSON.stringify(start)}`);
  return { start, fields: lines.map(parseField), length: end + 4 };
}

function parseField(line: string): Field {
  const match = FIELD.exec(line);
  if (match === null || CONTROL.test(match[2] ?? ''))
    throw new WireError(`bad field line ${JSON.stringify(line)}`);
  return [match[1] ?? '', match[2] ?? ''];
}

export function valuesOf(head: { readonly fields: readonly Field[] }, name: string): string[] {
  return head.fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}

export function statusOf(head: WireHead): number {
  return Number(head.start.slice(9, 12));
}

/** How the body of a request, or of the response to `method`, is delimited. @throws WireError */
export function framingOf(head: WireHead, method?: string): Framing {
  const codings = valuesOf(head, 'transfer-encoding');
  const lengths = valuesOf(head, 'content-length');
  if (codings.length + lengths.length > 1)
    throw new WireError(`ambiguous framing ${JSON.stringify([...codings, ...lengths])}`);
  if (codings.length > 0 && codings[0]?.toLowerCase() !== 'chunked')
    throw new WireError(`coding ${codings[0]}`);
  if (lengths.length > 0 && !/^\d{1,15}$/.test(lengths[0] ?? '')) throw new WireError(`length ${lengths[0]}`);
  if (method !== undefined) {
    const status = statusOf(head);
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  }
  if (codings.length > 0) return 'chunked';
  if (lengths.length > 0) return 'length';
  return method === undefined ? 'none' : 'close';
}

/** A whole message and the number of its bytes; undefined while it is incomplete. `ended`: no more bytes will come. @throws WireError */
export function takeMessage(
  bytes: string,
  kind: { readonly response: string; readonly ended: boolean } | 'request',
): { message: WireMessage; length: number } | undefined {
  const head = takeHead(bytes, kind === 'request' ? 'request' : 'response');
  if (head === undefined) return undefined;
  const framing = framingOf(head, kind === 'request' ? undefined : kind.response);
  const rest = bytes.slice(head.length);
  if (framing === 'none')
    return { message: { ...head, framing, body: '', trailers: [] }, length: head.length };
  if (framing === 'close') {
    if (kind !== 'request' && !kind.ended) return undefined;
    return { message: { ...head, framing, body: rest, trailers: [] }, length: bytes.length };
  }
  if (framing === 'length') {
    const size = Number(valuesOf(head, 'content-length')[0]);
    if (rest.length < size) return undefined;
    const body = rest.slice(0, size);
    return { message: { ...head, framing, body, trailers: [] }, length: head.length + size };
  }
  const chunks = takeChunks(rest);
  if (chunks === undefined) return undefined;
  const { body, trailers } = chunks;
  return { message: { ...head, framing, body, trailers }, length: head.length + chunks.length };
}

/** A chunked body up to and with its trailer section; undefined while it is incomplete. @throws WireError */
export function takeChunks(bytes: string): { body: string; trailers: Field[]; length: number } | undefined {
  let at = 0;
  let body = '';
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const line = bytes.slice(at, lineEnd);
    // A bounded extension of visible characters harms nobody who ignores it, as everybody has to.
    if (!/^[0-9a-fA-F]{1,12}(?:;[\t\x20-\x7e]{0,256})?$/.test(line))
      throw new WireError(`bad chunk size ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (bytes.length < at + size + 2) return undefined;
    if (bytes.slice(at + size, at + size + 2) !== '\r\n') throw new WireError('no CRLF behind a chunk');
    body += bytes.slice(at, at + size);
    at += size + 2;
  }
  const trailers: Field[] = [];
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const line = bytes.slice(at, lineEnd);
    at = lineEnd + 2;
    if (line === '') return { body, trailers, length: at };
    trailers.push(parseField(line));
  }
}
