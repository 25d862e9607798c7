import { type Stopwatch, systemClock, type Timer } from '../base/clock.js';
import type { Wire } from './wire.js';

/** When a client that waits for an answer is first asked whether it is still there: by then most answers have come. */
const PROBE_MS = 1000;
/** When one that has said nothing to that, and got nothing, counts as gone. */
const GONE_MS = 2000;
/** The same while the request waits for its instance: it must not be delivered when nobody waits for it. */
const EARLY_PROBE_MS = 20;
/** Time for the reset that answers a probe. */
const RESET_MS = 50;

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** What matters of the exchange with such a client. */
export interface HalfClosedExchange {
  readonly head: { readonly minor: 0 | 1 };
  /** It waits for a lease, or for its turn to be dialled: nothing was sent to an app. */
  readonly waiting: boolean;
  readonly answerBegun: boolean;
  /** Of the answer's body. */
  readonly bytesWritten: number;
}

/**
 * A client that has ended its side: it may want its answer, or be gone.
 *
 * A client that has closed its socket looks like one that has ended its sending side only, until something is written: then its system
 * answers with a reset. So one that waits for an answer gets a 100 (Continue), which every HTTP/1.1 client skips (RFC 9110 15.2): the first
 * one brings the reset, the second one finds it. One that has got the beginning of an answer is believed as long as more of it goes out.
 */
export class HalfClosed {
  readonly #wire: Pick<Wire, 'write' | 'destroy' | 'destroyed'>;
  readonly #clock: Stopwatch;
  /** performance.now() */
  readonly #endedAt: number;
  readonly #writtenAtEnd: number;
  #probes = 0;
  #earlyProbes = 0;
  #timer: Timer | undefined;

  constructor(
    wire: Pick<Wire, 'write' | 'destroy' | 'destroyed'>,
    endedAt: number,
    writtenAtEnd: number,
    clock: Stopwatch = systemClock,
  ) {
    this.#clock = clock;
    this.#wire = wire;
    this.#endedAt = endedAt;
    this.#writtenAtEnd = writtenAtEnd;
  }

  /** Accident stopped: visitors who gave up during a wake are served when it ends, and those who stayed wait for that. */
  waits(exchange: HalfClosedExchange): void {
    if (this.#timer !== undefined || this.#earlyProbes > 0) return;
    this.#later(EARLY_PROBE_MS, exchange);
  }

  #later(ms: number, exchange: HalfClosedExchange): void {
    this.#timer = this.#clock.after(ms, () => this.#probeEarly(exchange));
  }

  #probeEarly(exchange: HalfClosedExchange): void {
    this.#timer = undefined;
    if (!exchange.waiting || this.#wire.destroyed) return;
    this.#earlyProbes += 1;
    // HTTP/1.0 knows no 1xx: such a client can't be asked, and few that stay end their side.
    if (exchange.head.minor === 1) this.#wire.write(CONTINUE);
    else if (this.#earlyProbes === 2) this.#wire.destroy();
    if (this.#earlyProbes < 2) this.#later(RESET_MS, exchange);
  }

  /** Called about twice a second during an exchange. */
  sweep(exchange: HalfClosedExchange, now: number): void {
    const lasted = now - this.#endedAt;
    if (!exchange.answerBegun) {
      if (this.#probes >= 2 || exchange.head.minor === 0 || lasted < PROBE_MS) return;
      this.#probes += 1;
      this.#wire.write(CONTINUE);
    } else if (
      lasted > GONE_MS &&
      this.#probes + this.#earlyProbes < 2 &&
      exchange.bytesWritten === this.#writtenAtEnd
    ) {
      this.#wire.destroy();
    }
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
