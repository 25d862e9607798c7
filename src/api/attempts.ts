import { isIPv6 } from 'node:net';

const WINDOW_MS = 60_000;
const MAX_PER_WINDOW = 20;
/** Attack: bad tokens from countless addresses, each leaving an entry. The oldest entries give way. */
const MAX_ADDRESSES = 10_000;

/** Counts bad tokens per address, so that guessing is slow and its log lines are few. Good tokens are never slowed down. */
export class BadAttempts {
  private readonly seen = new Map<string, { since: number; count: number }>();

  /** Records a bad token. `now`: monotonic. Returns the seconds to wait when the address had too many in this minute, else undefined. */
  record(address: string, now: number): number | undefined {
    const source = sourceOf(address);
    let entry = this.seen.get(source);
    if (entry === undefined || now - entry.since >= WINDOW_MS) {
      // Deleted first, so that the map stays in order of age.
      this.seen.delete(source);
      entry = { since: now, count: 0 };
      this.seen.set(source, entry);
      this.evict();
    }
    entry.count += 1;
    if (entry.count <= MAX_PER_WINDOW) return undefined;
    return Math.max(1, Math.ceil((entry.since + WINDOW_MS - now) / 1000));
  }

  /** Number of addresses remembered. */
  get size(): number {
    return this.seen.size;
  }

  private evict(): void {
    if (this.seen.size <= MAX_ADDRESSES) return;
    const oldest = this.seen.keys().next().value;
    if (oldest !== undefined) this.seen.delete(oldest);
  }
}

/** One subscriber has a whole IPv6 /64: its addresses count as one, or the limit would be none. */
function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    while (groups.length + rest.length < 8) groups.push('0');
    groups.push(...rest);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
