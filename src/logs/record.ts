import type { InstanceKey } from '../base/names.js';
import type { LogEntry, Stream } from './types.js';

/**
 * How far the raw files of stdout and stderr were read, in bytes. Each record carries it, so that a line and the fact that it was
 * read are one write: after `kill -9` no line is lost and none comes twice.
 */
export type Offsets = readonly [stdout: number, stderr: number];

/** One line of entries.ndjson. Without a message it only notes the offsets. */
export interface LogRecord {
  readonly at: number;
  readonly stream: Stream;
  readonly message: string | undefined;
  readonly offsets: Offsets;
}

export function encodeRecord(record: LogRecord): string {
  const { at, stream, message, offsets } = record;
  return `${JSON.stringify({ t: at, s: stream, m: message, o: offsets })}\n`;
}

/** Undefined for a line that is torn or not ours. */
export function decodeRecord(line: string): LogRecord | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { t, s, m, o }: { t?: unknown; s?: unknown; m?: unknown; o?: unknown } = parsed;
  if (typeof t !== 'number' || !isStream(s) || !isOffsets(o)) return undefined;
  if (m !== undefined && typeof m !== 'string') return undefined;
  return { at: t, stream: s, message: m, offsets: o };
}

/** None for a record that only notes offsets. */
export function toEntry(key: InstanceKey, record: LogRecord): LogEntry[] {
  if (record.message === undefined) return [];
  return [
    { service: key.service, id: key.id, stream: record.stream, at: record.at, message: record.message },
  ];
}

function isStream(value: unknown): value is Stream {
  return value === 'stdout' || value === 'stderr' || value === 'tenement';
}

function isOffsets(value: unknown): value is Offsets {
  return Array.isArray(value) && value.length === 2 && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
