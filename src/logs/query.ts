import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../base/errors.js';
import { type InstanceKey, isName } from '../base/names.js';
import { recordsBackward } from './backward.js';
import { segmentPaths } from './entry-file.js';
import { matcher } from './filter.js';
import { toEntry } from './record.js';
import type { LogEntry, LogFilter } from './types.js';

/**
 * The newest `limit` matching entries below `dir`, oldest first. Holds at most `limit` entries and one chunk: instances are read one
 * after the other, the most recently written first, each only back to the oldest entry that still counts.
 */
export async function queryEntries(dir: string, filter: LogFilter, limit: number): Promise<LogEntry[]> {
  if (limit <= 0) return [];
  const matches = matcher(filter);
  let best: LogEntry[] = [];
  for (const { key, writtenAt } of await instancesByLastWrite(dir, filter)) {
    const oldest = best.length === limit ? (best[0]?.at ?? 0) : Number.NEGATIVE_INFINITY;
    const cutoff = Math.max(oldest, filter.since ?? Number.NEGATIVE_INFINITY);
    // Entries are written after their time: this instance, and all that follow, have only older ones.
    if (writtenAt < cutoff) break;
    const found: LogEntry[] = [];
    for await (const record of recordsBackward(join(dir, key.service, key.id))) {
      if (record.at < cutoff || found.length === limit) break;
      for (const entry of toEntry(key, record)) if (matches(entry)) found.push(entry);
    }
    best = newest(best, found.reverse(), limit);
  }
  return best;
}

/** Both oldest first; the sort is stable, so lines of one instance keep their order. */
function newest(a: LogEntry[], b: LogEntry[], limit: number): LogEntry[] {
  if (a.length === 0) return b;
  return [...a, ...b].sort((x, y) => x.at - y.at).slice(-limit);
}

async function instancesByLastWrite(
  dir: string,
  filter: LogFilter,
): Promise<{ key: InstanceKey; writtenAt: number }[]> {
  const found: { key: InstanceKey; writtenAt: number }[] = [];
  for (const service of filter.service === undefined ? await names(dir) : [filter.service]) {
    if (!isName(service)) continue;
    for (const id of filter.id === undefined ? await names(join(dir, service)) : [filter.id]) {
      if (!isName(id)) continue;
      const writtenAt = await lastWrite(join(dir, service, id));
      if (writtenAt !== undefined) found.push({ key: { service, id }, writtenAt });
    }
  }
  return found.sort((a, b) => b.writtenAt - a.writtenAt);
}

async function lastWrite(instanceDir: string): Promise<number | undefined> {
  for (const path of segmentPaths(instanceDir)) {
    try {
      // Rounded up: the file system's clock ticks in steps (a few ms) and may lag behind the time of day.
      return (await stat(path)).mtimeMs + 1000;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error;
    }
  }
  return undefined;
}

async function names(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
