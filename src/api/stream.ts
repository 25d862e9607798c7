/** Reading the API's two kinds of streams. Both end when the server ends them. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { TenementError } from '../base/errors.js';

/** One JSON value a line (application/x-ndjson). */
export async function* readNdjson<T>(stream: Readable): AsyncGenerator<T> {
  for await (const line of linesOf(stream)) {
    if (line.trim() !== '') yield JSON.parse(line) as T;
  }
}

/** The data of each server-sent event, parsed as JSON. Comments (keep-alives), ids and event names are passed over. */
export async function* readEvents<T>(stream: Readable): AsyncGenerator<T> {
  let data: string[] = [];
  for await (const line of linesOf(stream)) {
    if (line === '') {
      if (data.length > 0) yield JSON.parse(data.join('\n')) as T;
      data = [];
    } else if (line.startsWith('data:')) {
      data.push(line.slice(5).replace(/^ /, ''));
    }
  }
}

/** readline's own iterator loses errors of the stream; these must end the loop. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let broken: Error | undefined;
  stream.on('error', (error) => {
    broken = error;
  });
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  stream.once('close', () => lines.close());
  try {
    yield* lines;
  } finally {
    stream.destroy();
  }
  if (broken !== undefined) {
    throw new TenementError('no_server', 'The server broke off the stream', { cause: broken });
  }
}
