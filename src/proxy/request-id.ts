import { randomFillSync } from 'node:crypto';

/** A trusted proxy's X-Request-Id, if it is one short visible word (it goes into logs), else 128 random bits in hex. */
export function requestIdFor(trustedValue: string | undefined): string {
  if (trustedValue !== undefined && /^[\x21-\x7e]{1,128}$/.test(trustedValue)) return trustedValue;
  return randomId();
}

/** Characters: each is 4 bits. */
const ID_LENGTH = 32;
/** Random digits for many ids at a time: asking for a few bytes costs as much as for thousands. */
const pool = Buffer.alloc(4096);
let digits = '';
let used = 0;

function randomId(): string {
  if (used === digits.length) {
    digits = randomFillSync(pool).toString('hex');
    used = 0;
  }
  used += ID_LENGTH;
  return digits.slice(used - ID_LENGTH, used);
}
