/** Reading the API's two kinds of streams. Both end when the server ends them. */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { z } from 'zod';
import { TenementError } from '../base/errors.js';

/** One JSON value a line (application/x-ndjson). */
export async function* readNdjson<T>(stream: Readable, shape: z.ZodType<T>): AsyncGenerator<T> {
  for await (const line of linesOf(stream)) {
    if (line.trim() !== '') yield parse(line, shape);
  }
}

/** The data of each server-sent event, parsed as JSON. Comments (keep-alives), ids and event names are passed over. */
export async function* readEvents<T>(stream: Readable, shape: z.ZodType<T>): AsyncGenerator<T> {
  let data: string[] = [];
  for await (const line of linesOf(stream)) {
    if (line === '') {
      if (data.length > 0) yield parse(data.join('\n'), shape);
      data = [];
    } else if (line.startsWith('data:')) {
      data.push(line.slice(5).replace(/^ /, ''));
    }
  }
}

/** @throws TenementError no_server for what no tenement server says */
function parse<T>(text: string, shape: z.ZodType<T>): T {
  try {
    const value: unknown = JSON.parse(text);
    shape.parse(value);
    return value as T;
  } catch (cause) {
    throw new TenementError('no_server', 'What answers streams, but not as a tenement server', { cause });
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
