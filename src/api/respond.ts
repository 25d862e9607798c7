/** Writes answers: the headers that every one carries, errors in their one shape. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TenementError } from '../base/errors.js';
import type { ErrorBody } from './protocol.js';
import type { Answer } from './routes/route.js';

/** No CORS headers on purpose: pages of other origins cannot read answers. */
export function setCommonHeaders(res: ServerResponse): void {
  res.setHeader('x-content-type-options', 'nosniff');
  res.setHeader('cache-control', 'no-store');
  res.setHeader('referrer-policy', 'no-referrer');
  res.setHeader('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
}

export function send(res: ServerResponse, answer: Answer): void {
  if (answer.kind === 'handled') return;
  res.statusCode = answer.status;
  if (answer.kind === 'empty') {
    res.end();
    return;
  }
  if (answer.kind === 'bytes') {
    for (const [name, value] of Object.entries(answer.headers)) res.setHeader(name, value);
    // A 304 speaks of the length of what it stands for.
    if (answer.status !== 304) res.setHeader('content-length', Buffer.byteLength(answer.body));
    res.end(answer.body);
    return;
  }
  const text = `${JSON.stringify(answer.body)}\n`;
  res.setHeader('content-type', 'application/json; charset=utf-8');
  res.setHeader('content-length', Buffer.byteLength(text));
  res.end(text);
}

export function errorBody(error: TenementError): ErrorBody {
  // What went wrong inside is for the log; it may name paths.
  const message = error.code === 'internal' ? 'Something went wrong inside tenement' : error.message;
  return { error: { code: error.code, message, hint: error.hint } };
}

export function sendError(req: IncomingMessage, res: ServerResponse, error: TenementError): void {
  if (res.writableEnded) return;
  if (res.headersSent) {
    // Too late for a status: a cut connection tells the client that the answer is not whole.
    res.destroy();
    return;
  }
  if (error.status === 401) res.setHeader('www-authenticate', 'Bearer realm="tenement"');
  if (error.retryAfterSecs !== undefined) {
    res.setHeader('retry-after', Math.max(1, Math.ceil(error.retryAfterSecs)));
  }
  // Accident or attack: a refused upload of gigabytes, which node would read to its end to keep the connection.
  if (!req.complete) res.setHeader('connection', 'close');
  res.setHeader('tenement-error', error.code);
  send(res, { kind: 'json', status: error.status, body: errorBody(error) });
}
