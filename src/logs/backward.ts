import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../base/errors.js';
import { segmentPaths } from './entry-file.js';
import { decodeRecord, type LogRecord } from './record.js';

const CHUNK_BYTES = 64 * 1024;

/** The records of an instance from the newest to the oldest, read piece by piece: whoever stops early has read little. */
export async function* recordsBackward(dir: string): AsyncGenerator<LogRecord> {
  let newer: number | undefined;
  // Current first: a rotation between the two opens shows the same file twice (seen by its inode), never a gap.
  for (const path of segmentPaths(dir)) {
    const file = await openIfThere(path);
    if (file === undefined) continue;
    try {
      const { ino, size } = await file.stat();
      if (ino === newer) continue;
      newer = ino;
      yield* linesBackward(file, size);
    } finally {
      await file.close();
    }
  }
}

async function* linesBackward(file: FileHandle, size: number): AsyncGenerator<LogRecord> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  /** The end of a line whose beginning is in an earlier chunk. */
  let tail: Buffer = Buffer.alloc(0);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, end - start, start);
    const bytes = Buffer.concat([chunk.subarray(0, bytesRead), tail]);
    let stop = bytes.length;
    for (
      let lf = bytes.lastIndexOf(0x0a, stop - 1);
      lf >= 0;
      lf = lf === 0 ? -1 : bytes.lastIndexOf(0x0a, lf - 1)
    ) {
      const record = decodeRecord(bytes.toString('utf8', lf + 1, stop));
      if (record !== undefined) yield record;
      stop = lf;
    }
    tail = Buffer.from(bytes.subarray(0, stop));
    end = start;
  }
  const record = decodeRecord(tail.toString('utf8'));
  if (record !== undefined) yield record;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
