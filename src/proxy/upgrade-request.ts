import { Kind } from './http1/field-kind.js';
import { listOf } from './http1/field-section.js';
import type { RequestHead } from './http1/request-head.js';

/**
 * Whether the request is treated as a switch of protocols. Not with a body, as RFC 9110 7.8 lets a server ignore Upgrade; not HTTP/1.0;
 * not h2c, which Java's client asks for with every request and which no app needs behind a proxy.
 */
export function asksToSwitch(head: RequestHead): boolean {
  if (!head.connection.upgrade || head.minor === 0) return false;
  if (head.body.kind === 'chunked' || head.body.length > 0) return false;
  const { fields } = head;
  return fields.kinds.some(
    (kind, i) => kind === Kind.upgrade && listOf(fields.value(i)).some((protocol) => protocol !== 'h2c'),
  );
}
