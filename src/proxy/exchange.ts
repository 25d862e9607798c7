import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestBody } from './body.js';
import type { EarlyBytes } from './early-bytes.js';

/** One request of a client and its answer, however many attempts it takes. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: RequestBody;
  readonly method: string;
  /** Request target for the app. */
  readonly path: string;
  /** Header section for the app, flat. */
  readonly headers: readonly string[];
  /** Aborts when the client has gone before its answer was complete. */
  readonly gone: AbortSignal;
  /** Present when the client asks to switch protocols: the socket is no longer read by node:http. */
  readonly upgrade: EarlyBytes | undefined;
  /** For the metrics; written by whoever passes bytes. */
  readonly tally: { status: number; bytesIn: number; bytesOut: number };
}
