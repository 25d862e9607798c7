import { randomBytes } from 'node:crypto';
import { pairs } from './headers.js';

/** A trusted proxy's X-Request-Id, if it is one short visible word (it goes into logs), else 128 random bits in hex. */
export function requestIdFor(rawHeaders: readonly string[], trusted: boolean): string {
  if (trusted) {
    for (const [name, value] of pairs(rawHeaders)) {
      if (name.toLowerCase() === 'x-request-id' && /^[\x21-\x7e]{1,128}$/.test(value)) return value;
    }
  }
  return randomBytes(16).toString('hex');
}
