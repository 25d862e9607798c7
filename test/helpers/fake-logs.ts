import type { LogEntry, LogFilter, Logs } from '../../src/logs/types.js';

/** Logs in memory: `add` is what an app writes. */
export class FakeLogs implements Logs {
  readonly entries: LogEntry[] = [];
  readonly #followers = new Set<{ filter: LogFilter; onEntry: (entry: LogEntry) => void }>();

  get followers(): number {
    return this.#followers.size;
  }

  add(entry: LogEntry): void {
    this.entries.push(entry);
    for (const { filter, onEntry } of this.#followers) if (matches(filter, entry)) onEntry(entry);
  }

  async query(filter: LogFilter, limit: number): Promise<LogEntry[]> {
    return this.entries.filter((entry) => matches(filter, entry)).slice(-limit);
  }

  follow(filter: LogFilter, onEntry: (entry: LogEntry) => void): () => void {
    const follower = { filter, onEntry };
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  open(): { stdout: string; stderr: string } {
    return { stdout: '/dev/null', stderr: '/dev/null' };
  }
  async flush(): Promise<void> {}
  note(): void {}
  async close(): Promise<void> {}
  async remove(): Promise<void> {}
  async closeAll(): Promise<void> {}
}

function matches(filter: LogFilter, entry: LogEntry): boolean {
  return (
    (filter.service === undefined || filter.service === entry.service) &&
    (filter.id === undefined || filter.id === entry.id) &&
    (filter.stream === undefined || filter.stream === entry.stream) &&
    (filter.since === undefined || entry.at >= filter.since) &&
    (filter.search === undefined || entry.message.toLowerCase().includes(filter.search.toLowerCase()))
  );
}
