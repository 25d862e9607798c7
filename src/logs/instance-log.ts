import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { Mutex } from '../base/mutex.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { EntryFile } from './entry-file.js';
import type { HolePunch } from './hole-punch.js';
import type { LogLimits } from './limits.js';
import { cleanText, toMessage } from './message.js';
import type { Turn } from './pump.js';
import { RawStream } from './raw-stream.js';
import { Reclaim } from './reclaim.js';
import { encodeRecord, type LogRecord, type Offsets, toEntry } from './record.js';
import type { LogEntry, Stream } from './types.js';

const NO_TURN: Turn = { cost: 0, more: false };
/** While the disk is full. */
const MOST_NOTES_KEPT = 100;

interface InstanceLogDeps {
  readonly clock: Clock;
  readonly limits: LogLimits;
  readonly punch: HolePunch;
  readonly onEntries: (entries: readonly LogEntry[]) => void;
}

/** A clock that goes back further than this is one that was wrong before. */
const STEP_MS = 60_000;

/** The log of one instance: moves lines from its two raw files to its entries. */
export class InstanceLog {
  readonly #mutex = new Mutex();
  readonly #entries: EntryFile;
  readonly #streams: readonly [stdout: RawStream, stderr: RawStream];
  readonly #reclaims: readonly Reclaim[];
  #retired = false;
  readonly #notes: { at: number; message: string }[] = [];

  #lastAt = 0;

  /** Creates what is missing in `dir` and finds where reading had come to. Blocks briefly; throws system errors. */
  constructor(
    readonly key: InstanceKey,
    dir: string,
    private readonly deps: InstanceLogDeps,
  ) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { limits } = deps;
    this.#entries = new EntryFile(dir, limits.segmentBytes);
    const [stdout, stderr] = this.#entries.recover();
    this.#streams = [
      new RawStream('stdout', createPrivate(join(dir, 'stdout.log')), stdout, limits),
      new RawStream('stderr', createPrivate(join(dir, 'stderr.log')), stderr, limits),
    ];
    this.#reclaims = this.#streams.map((stream) => new Reclaim(stream, deps));
  }

  get paths(): { stdout: string; stderr: string } {
    return { stdout: this.#streams[0].path, stderr: this.#streams[1].path };
  }

  /** Notes that are not stored yet. */
  get hasNotes(): boolean {
    return this.#notes.length > 0;
  }

  get busy(): boolean {
    return this.#mutex.busy;
  }

  /** Whether a turn would find something. Two calls of stat(2). */
  get hasNews(): boolean {
    return this.hasNotes || this.#streams.some((stream) => stream.hasNews(stream.size()));
  }

  /** Lines are sorted by time: a clock that is set back a little must not change their order. One that was far ahead is believed when it is set right. */
  #now(): number {
    const now = this.deps.clock.now();
    if (now > this.#lastAt || this.#lastAt - now > STEP_MS) this.#lastAt = now;
    return this.#lastAt;
  }

  note(message: string): void {
    const at = this.#now();
    for (const line of message.split(/\r?\n/)) {
      this.#notes.push({ at, message: cleanText(line).slice(0, this.deps.limits.lineBytes) });
    }
  }

  /**
   * Called when surely no process of the instance runs: unfinished lines are lines, and raw files that were read are emptied.
   * Synchronous, so that nothing can have been written by the next process when it returns.
   */
  beforeStart(): void {
    if (this.#mutex.busy) return;
    let emptied = false;
    for (const stream of this.#streams) {
      if (stream.truncateIfConsumed()) emptied = true;
      else if (stream.size() > 0) stream.endLineAt(stream.size());
    }
    if (!emptied) return;
    // Truncated first, noted second: a crash between leaves a file smaller than its offset, which reads as "start over".
    this.#entries.appendSync(
      encodeRecord({
        at: this.#now(),
        stream: 'tenement',
        message: undefined,
        offsets: this.#offsets(),
      }),
    );
    for (const reclaim of this.#reclaims) reclaim.startOver();
  }

  /** Reads and stores one chunk of each stream. */
  turn(): Promise<Turn> {
    return this.#mutex.run(() => (this.#retired ? Promise.resolve(NO_TURN) : this.#turn()));
  }

  /** Turns that still come do nothing: another object may read the same files from now on, and lines would come twice. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.#mutex.run(() => this.#entries.close());
  }

  /** Reads up to the present end of both files; what follows the last line feed counts as a line. */
  async flush(): Promise<void> {
    for (const stream of this.#streams) stream.endLineAt(stream.size());
    while (!this.#retired && (this.hasNotes || this.#streams.some((stream) => !stream.reachedBoundary))) {
      await this.turn();
    }
  }

  /** Stores what was noted and waits for all that is under way. */
  async settle(): Promise<void> {
    await this.#mutex.run(() => this.#undoOnFailure(() => this.#store(this.#takeNotes())));
    await this.#reclaimsSettled();
    for (const reclaim of this.#reclaims) reclaim.consider(true);
    await this.#reclaimsSettled();
  }

  async #turn(): Promise<Turn> {
    const turn = await this.#undoOnFailure(async () => {
      const records = this.#takeNotes();
      const offsets: [number, number] = [...this.#offsets()];
      const more = [
        this.#readStream(this.#streams[0], 0, offsets, records),
        this.#readStream(this.#streams[1], 1, offsets, records),
      ];
      return { cost: await this.#store(records), more: more.includes(true) };
    });
    for (const reclaim of this.#reclaims) reclaim.consider();
    return turn;
  }

  /** Adds what one chunk holds to `records`, each with the offsets after it. True when there is more. */
  #readStream(stream: RawStream, slot: 0 | 1, offsets: [number, number], records: LogRecord[]): boolean {
    const read = stream.read();
    const at = this.#now();
    offsets[slot] = stream.consumed - read.lines.reduce((sum, line) => sum + line.size, 0);
    if (read.dropped > 0) records.push(dropped(at, stream.name, read.dropped, offsets));
    for (const line of read.lines) {
      offsets[slot] += line.size;
      records.push({ at, stream: stream.name, message: toMessage(line), offsets: [...offsets] });
    }
    if (read.dropped === 0 || this.deps.punch.works) return read.more;
    // Read bytes can't be freed in place here, and the end of a flood is not in sight: bounded disk before complete lines.
    const unread = stream.truncateNow();
    offsets[slot] = 0;
    records.push(dropped(at, stream.name, unread, offsets));
    return true;
  }

  #takeNotes(): LogRecord[] {
    const offsets = this.#offsets();
    return this.#notes.splice(0).map((note) => ({ ...note, stream: 'tenement', offsets }));
  }

  /** On a full disk nothing was stored, so nothing was read: the bytes stay in the raw files, the notes in memory, for the next try. */
  async #undoOnFailure<T>(action: () => Promise<T>): Promise<T> {
    const offsets = this.#offsets();
    const notes = [...this.#notes];
    try {
      return await action();
    } catch (error) {
      this.#streams[0].rewind(offsets[0]);
      this.#streams[1].rewind(offsets[1]);
      this.#notes.unshift(...notes.slice(-MOST_NOTES_KEPT));
      throw new Error(`the log of ${formatKey(this.key)} cannot be read or written`, { cause: error });
    }
  }

  async #store(records: readonly LogRecord[]): Promise<number> {
    if (records.length === 0) return 0;
    const text = records.map(encodeRecord).join('');
    await this.#entries.append(text);
    this.deps.onEntries(records.flatMap((record) => toEntry(this.key, record)));
    return text.length;
  }

  async #reclaimsSettled(): Promise<void> {
    await Promise.all(this.#reclaims.map((reclaim) => reclaim.settled));
  }

  #offsets(): Offsets {
    return [this.#streams[0].consumed, this.#streams[1].consumed];
  }
}

function dropped(at: number, stream: Stream, bytes: number, offsets: Offsets): LogRecord {
  const message = `${bytes} bytes of ${stream} dropped: the app writes faster than its log is read`;
  return { at, stream: 'tenement', message, offsets: [...offsets] };
}

/** The app may have left a file of other modes behind; the entry directory is ours alone, so this is about accidents. */
function createPrivate(path: string): string {
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  return path;
}
