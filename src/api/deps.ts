import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Logs } from '../logs/types.js';
import type { Store } from '../state/types.js';
import type { Control } from '../supervisor/control.js';
import type { Metrics } from './metrics.js';
import type { TlsStatus } from './protocol.js';
import type { Streams } from './streams.js';

/** What the API stands on; the daemon puts it together. */
export interface ApiDeps {
  readonly control: Control;
  readonly logs: Logs;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly log: Log;
  /** tenement's own version. */
  readonly version: string;
  readonly clock: Clock;
  /** `GET /metrics` needs no token from a loopback address. Not for servers behind a proxy on the same machine. */
  readonly openToLoopbackMetrics?: boolean;
  readonly tls?: () => TlsStatus;
}

/** What handlers get besides: the API's own state. */
export interface ApiState extends ApiDeps {
  readonly streams: Streams;
}
