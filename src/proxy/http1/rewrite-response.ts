import { type FieldKind, Kind } from './field-kind.js';
import { hasNoBody, type ResponseHead } from './response-head.js';

/** How the client gets the answer. */
export interface Delivery {
  /** Of the request. */
  readonly method: string;
  /** Of the request: 0 is HTTP/1.0. */
  readonly minor: 0 | 1;
  /** We wrap the body in chunks: it had no delimiter of its own. */
  readonly addChunks: boolean;
  /** The connection ends behind this answer. */
  readonly close: boolean;
}

/**
 * The head for the client, as latin1 text: hop-by-hop fields cut out, every other byte as it came.
 */
export function rewriteResponse(head: ResponseHead, delivery: Delivery): string {
  const { text, status } = head;
  const { kinds, starts } = head.fields;
  const { named } = head.connection;
  const bodiless = hasNoBody(status, delivery.method);
  const keepsChunks = head.chunked && delivery.minor === 1 && !bodiless;
  let out = head.minor === 1 ? '' : 'HTTP/1.1';
  let run = head.minor === 1 ? 0 : 8;
  for (let i = 0; i < kinds.length; i += 1) {
    const kind = kinds[i] as FieldKind;
    if (kind === Kind.other && named === undefined) continue;
    if (passes(kind, status, keepsChunks) && !named?.has(head.fields.name(i).toLowerCase())) continue;
    out += text.slice(run, starts[i]);
    run = starts[i + 1] as number;
  }
  out += text.slice(run, starts[kinds.length]);
  if (delivery.addChunks || keepsChunks) out += 'Transfer-Encoding: chunked\r\n';
  if (status === 426) out += 'Connection: upgrade\r\n';
  if (delivery.close) out += 'Connection: close\r\n';
  else if (delivery.minor === 0) out += 'Connection: keep-alive\r\n';
  return `${out}\r\n`;
}

function passes(kind: FieldKind, status: number, keepsChunks: boolean): boolean {
  switch (kind) {
    case Kind.connection:
    case Kind.keepAlive:
    case Kind.hopByHop:
    case Kind.te:
    case Kind.http2Settings:
    // An app must not be able to pass its failure off as ours.
    case Kind.ownError:
    case Kind.internal:
      return false;
    // Set anew, so that every client knows it.
    case Kind.transferEncoding:
      return false;
    case Kind.trailer:
      return keepsChunks;
    // 426 (Upgrade Required) says with Upgrade what is required.
    case Kind.upgrade:
      return status === 426;
    // A length on 204 makes some clients wait for bytes that never come (RFC 9110 8.6 forbids it).
    case Kind.contentLength:
      return status >= 200 && status !== 204;
    default:
      return true;
  }
}

/** An interim answer (RFC 9110 15.2), without what concerns the connection to the app. */
export function rewriteInterim(head: ResponseHead): string {
  return rewriteResponse(head, { method: 'GET', minor: 1, addChunks: false, close: false });
}

/** The head of a 101 answer: what was agreed on stays. */
export function rewriteSwitching(head: ResponseHead): string {
  const { text } = head;
  const { kinds, starts } = head.fields;
  let out = `HTTP/1.1${text.slice(8, starts[0])}`;
  for (let i = 0; i < kinds.length; i += 1) {
    if (kinds[i] !== Kind.ownError && kinds[i] !== Kind.internal) out += text.slice(starts[i], starts[i + 1]);
  }
  return `${out}\r\n`;
}
