import { randomFillSync } from 'node:crypto';

/** A trusted proxy's X-Request-Id, if it is one short visible word (it goes into logs), else 128 random bits in hex. */
export function requestIdFor(trustedValue: string | undefined): string {
  if (trustedValue !== undefined && /^[\x21-\x7e]{1,128}$/.test(trustedValue)) return trustedValue;
  return randomId();
}

const ID_BYTES = 16;
/** Random bytes for many ids at a time: asking for 16 costs as much as for 4096. */
const pool = Buffer.alloc(4096);
let used = pool.length;

function randomId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += ID_BYTES;
  return pool.toString('hex', used - ID_BYTES, used);
}
