import type { Log } from '../base/log.js';
import { matcher } from './filter.js';
import type { LogEntry, LogFilter } from './types.js';

/** Those who want to hear of new entries. */
export class Followers {
  readonly #all = new Set<{ matches: (entry: LogEntry) => boolean; onEntry: (entry: LogEntry) => void }>();

  constructor(private readonly log: Log) {}

  add(filter: LogFilter, onEntry: (entry: LogEntry) => void): () => void {
    const follower = { matches: matcher(filter), onEntry };
    this.#all.add(follower);
    return () => void this.#all.delete(follower);
  }

  tell(entries: readonly LogEntry[]): void {
    for (const { matches, onEntry } of this.#all) {
      for (const entry of entries) {
        if (!matches(entry)) continue;
        try {
          onEntry(entry);
        } catch (error) {
          // One broken reader must not keep lines from the others.
          this.log.error({ err: error }, 'a follower of the logs failed');
        }
      }
    }
  }
}
