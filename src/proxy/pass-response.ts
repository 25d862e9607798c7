import type { IncomingMessage } from 'node:http';
import type { Exchange } from './exchange.js';
import { responseHeaders, trailerFields } from './headers.js';

export interface PassEvents {
  /** Everything was handed to the client's connection. */
  done(): void;
  /** The app broke off, or its head can't be passed. */
  failed(cause: Error): void;
}

/** Passes an app's final answer to the client as it comes, at the client's pace. */
export function passResponse(answer: IncomingMessage, exchange: Exchange, events: PassEvents): void {
  const { request, response, tally } = exchange;
  answer.on('error', events.failed);
  const status = answer.statusCode ?? 0;
  // HTTP/1.0 clients read to the end of the connection; answers without a body have no framing at all.
  const bodiless = request.method === 'HEAD' || status === 204 || status === 304;
  const chunked =
    request.httpVersion === '1.1' && !bodiless && answer.headers['content-length'] === undefined;
  const headers = responseHeaders(answer.rawHeaders, { status, chunked });
  try {
    // node:http would answer an HTTP/1.0 client in chunks if it sent `TE: chunked`.
    if (request.httpVersion !== '1.1') response.useChunkedEncodingByDefault = false;
    response.writeHead(status, answer.statusMessage ?? '', headers);
  } catch (error) {
    events.failed(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  tally.status = status;
  // The head of a quiet event stream goes out now; that of a body that is already here goes out with it.
  setImmediate(() => {
    if (!response.writableEnded && !response.destroyed) response.flushHeaders();
  });
  const onDrain = () => answer.resume();
  response.on('drain', onDrain);
  answer.on('data', (chunk: Buffer) => {
    tally.bytesOut += chunk.length;
    if (!response.write(chunk)) answer.pause();
  });
  answer.on('end', () => {
    response.off('drain', onDrain);
    if (!answer.complete) {
      events.failed(new Error('the app closed the connection before the end of its response'));
      return;
    }
    response.once('finish', events.done);
    if (chunked) {
      const trailers = trailerFields(answer.rawTrailers);
      if (trailers.length > 0) response.addTrailers(trailers);
    }
    response.end();
  });
  answer.on('close', () => {
    if (!answer.complete)
      events.failed(new Error('the app closed the connection before the end of its response'));
  });
}
