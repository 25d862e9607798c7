/** Reads and checks what a client sends: JSON bodies and query strings. */
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { TenementError } from '../base/errors.js';

/** Bytes. Bodies are small documents; what is longer is an accident or an attack on memory. */
const MAX_BODY = 1024 * 1024;

/**
 * The body as JSON, whatever its Content-Type says (curl sends form data by default); an empty one is `{}`.
 * @throws TenementError `body_too_large` | `bad_request`
 */
export async function readJson(req: IncomingMessage): Promise<unknown> {
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY) throw tooLarge();
  const text = (await readBytes(req)).toString('utf8');
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    // Without the parser's message: it quotes the body, which may hold secrets, and errors are kept in the audit trail.
    throw new TenementError('bad_request', 'The body is not valid JSON', {
      hint: 'Send a JSON object, see docs/api.md.',
    });
  }
}

async function readBytes(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // Not destroyed on leaving the loop: that would close the socket before the 413 is sent.
    for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BODY) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof TenementError) throw cause;
    throw new TenementError('bad_request', 'The connection broke before the whole body had come', { cause });
  }
  return Buffer.concat(chunks);
}

function tooLarge(): TenementError {
  return new TenementError('body_too_large', 'The request body is larger than the API takes (1 MiB)', {
    hint: 'Send less at once.',
  });
}

/** @throws TenementError `bad_request` for a key given twice: which one counts is anyone's guess. */
export function queryObject(query: URLSearchParams): Record<string, string> {
  const object: Record<string, string> = {};
  for (const [key, value] of query) {
    if (Object.hasOwn(object, key)) throw new TenementError('bad_request', `"${key}" is given twice`);
    Object.defineProperty(object, key, { value, enumerable: true });
  }
  return object;
}

/** @throws TenementError `invalid` naming each field that is wrong, never its value. */
export function check<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const where = issue.path.map(String).join('.');
    // What is wrong with a key of a record stands one level below.
    const message = (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined) ?? issue.message;
    return where === '' ? message : `${where}: ${message}`;
  });
  throw new TenementError('invalid', `The request is not acceptable: ${issues.join('; ')}`);
}
