import { TenementError } from '../base/errors.js';

/** Attack: one token opens streams without end, each with its own backlog in memory. */
const MAX_PER_ACTOR = 64;

/** The long answers that are open now: bounded per caller, ended together when the server stops. */
export class Streams {
  private readonly open = new Map<string, Set<() => void>>();

  /**
   * Counts a stream; `end` ends it from our side, at once: nothing may be delivered after it. Returns what to call when it is over (idempotent).
   * @throws TenementError `queue_full`
   */
  admit(actor: string, end: () => void): () => void {
    const mine = this.open.get(actor) ?? new Set();
    if (mine.size >= MAX_PER_ACTOR) {
      throw new TenementError('queue_full', `${MAX_PER_ACTOR} streams are open for this token already`, {
        hint: 'Close some of them first.',
      });
    }
    mine.add(end);
    this.open.set(actor, mine);
    return () => {
      mine.delete(end);
      if (mine.size === 0 && this.open.get(actor) === mine) this.open.delete(actor);
    };
  }

  /** Ends the streams of one caller: its token was revoked. */
  endOf(actor: string): void {
    for (const end of [...(this.open.get(actor) ?? [])]) end();
  }

  get size(): number {
    return [...this.open.values()].reduce((sum, ends) => sum + ends.size, 0);
  }

  endAll(): void {
    for (const ends of [...this.open.values()]) for (const end of [...ends]) end();
  }
}
