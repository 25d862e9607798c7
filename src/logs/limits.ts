/** Bounds that keep a talkative app from filling memory, disk or the event loop. Sizes in bytes. */
export interface LogLimits {
  /** Longer lines are cut here. */
  readonly lineBytes: number;
  /** An unfinished line of this length counts as finished, so that output without any line end is bounded too. */
  readonly unfinishedBytes: number;
  /** Read at once: about a millisecond of work, the longest that the event loop is held. */
  readonly chunkBytes: number;
  /** What an app may be ahead of us before a part is dropped. An eighth of it, the newest, is kept then. */
  readonly backlogBytes: number;
  /** Over all instances, so that a flood of lines leaves the processor to the requests. */
  readonly bytesPerSecond: number;
  /** Two segments of entries are kept of each instance. */
  readonly segmentBytes: number;
  /** Read bytes are given back to the file system in steps of at least this. */
  readonly punchBytes: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;

export const DEFAULT_LIMITS: LogLimits = {
  lineBytes: 16 * KiB,
  unfinishedBytes: 16 * MiB,
  chunkBytes: 64 * KiB,
  backlogBytes: 16 * MiB,
  bytesPerSecond: 16 * MiB,
  segmentBytes: 4 * MiB,
  punchBytes: MiB,
};
