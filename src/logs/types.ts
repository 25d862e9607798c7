/** Logs of instances. Types only. */
import type { InstanceKey } from '../base/names.js';

/** `tenement`: a line of ours about the instance (start, exit, lines dropped). */
export type Stream = 'stdout' | 'stderr' | 'tenement';

export interface LogEntry {
  readonly service: string;
  readonly id: string;
  readonly stream: Stream;
  /** Milliseconds since the epoch at which the line was seen. */
  readonly at: number;
  /** Valid UTF-8 without NUL or line end; long lines are cut with a mark that says how much is missing. */
  readonly message: string;
}

export interface LogFilter {
  readonly service?: string;
  readonly id?: string;
  readonly stream?: Stream;
  /** Substring, case-insensitive. */
  readonly search?: string;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

export interface Logs {
  /**
   * The files an instance's process shall write to (absolute, parent directories exist); begins to follow them. Idempotent.
   * `idle`: surely no process of the instance runs now (before a start, not before an adoption): files that were read are emptied,
   * and an unfinished line that the last process left is a line of its own.
   */
  open(key: InstanceKey, options?: { idle?: boolean }): { stdout: string; stderr: string };
  /**
   * Reads what the process has written so far, so that its last lines are there: called after an exit, so what follows the last
   * line feed counts as a line. A no-op for one that is not open.
   */
  flush(key: InstanceKey): Promise<void>;
  /** Adds a line of ours. */
  note(key: InstanceKey, message: string): void;
  /** The newest `limit` matching entries, oldest first. */
  query(filter: LogFilter, limit: number): Promise<LogEntry[]>;
  /** Calls `onEntry` for each new matching entry until the returned function is called. */
  follow(filter: LogFilter, onEntry: (entry: LogEntry) => void): () => void;
  /** Stops following and reading; the files stay. Call it after an exit too: an open one costs two watches. The process may go on writing (adoption later). */
  close(key: InstanceKey): Promise<void>;
  /** Deletes everything of an instance. */
  remove(key: InstanceKey): Promise<void>;
  closeAll(): Promise<void>;
}
