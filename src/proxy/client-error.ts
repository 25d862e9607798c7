import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, errnoOf } from '../base/errors.js';
import { rawPage, renderPage } from './pages.js';
import { requestIdFor } from './request-id.js';

/** What node:http's parser or its clock found wrong -> our code. */
const CODES: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_too_slow',
};

/**
 * Answers bytes that are no HTTP with our page and ends the connection.
 * `open` are the unanswered requests of the connection: where their answers have begun, or are several, ours would be taken for a
 * part of theirs, so the connection is just destroyed.
 */
export function onClientError(
  error: Error,
  socket: Socket,
  open: ReadonlySet<ServerResponse> | undefined,
): void {
  const [first, ...more] = open ?? [];
  if (errnoOf(error) === 'ECONNRESET' || !socket.writable || more.length > 0 || first?.headersSent === true) {
    socket.destroy();
    return;
  }
  answer(socket, CODES[errnoOf(error) ?? ''] ?? 'bad_request');
}

/** We are no forward proxy. */
export function refuseConnect(socket: Socket): void {
  answer(socket, 'bad_request');
}

function answer(socket: Socket, code: ErrorCode): void {
  const page = renderPage({ code, requestId: requestIdFor([], false), accept: undefined });
  socket.on('error', () => {});
  socket.end(rawPage(page), 'latin1', () => socket.destroy());
}
