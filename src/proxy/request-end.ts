import type { RequestHead } from './http1/request-head.js';

/** One finished request, for metrics and the access log. */
export interface RequestEnd {
  /** `notes:alice`; undefined when no lease was given: a name that a client made up never becomes a label. */
  readonly instance: string | undefined;
  /** Always a service of the config. */
  readonly service: string | undefined;
  /** For the server itself: dashboard, API, health, metrics. */
  readonly own: boolean;
  /** `-` for bytes that were no request. */
  readonly method: string;
  /** Status sent, 101 for an upgrade, 499 when the client left before any. */
  readonly status: number;
  readonly durationMs: number;
  /** Of the bodies, without chunk framing. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Address of the peer. */
  readonly client: string;
  readonly requestId: string;
  /** What a log may want besides: target, Host, Referer, User-Agent (`fieldValue`). Undefined for bytes that were no request. */
  readonly head: RequestHead | undefined;
}

/** The end of what was refused before it was a request: bad bytes, too large or too slow a head. */
export function noRequest(
  end: Pick<RequestEnd, 'status' | 'durationMs' | 'bytesOut' | 'client' | 'requestId'>,
): RequestEnd {
  const nobody = { instance: undefined, service: undefined, own: false, head: undefined };
  return { ...nobody, method: '-', bytesIn: 0, ...end };
}
