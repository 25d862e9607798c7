/** Reading the API's two kinds of streams. Both end when the server ends them. */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
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

/** Not readline: it takes a broken stream for an ended one. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of stream) {
      const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield line.replace(/\r$/, '');
    }
  } catch (cause) {
    throw new TenementError('no_server', 'The server broke off the stream', { cause });
  }
  if (rest !== '') yield rest;
}
