/** Small apps listen with a backlog of 5 (socketserver in Python): with those in service that is about 7 connections at a time. */
const START = 4;
/** By how much each answer of an app that serves several connections at once widens it. */
const STEP = 2;
/** After so many answers the rush of a wake is over, and whatever comes is the app's ordinary load. */
const ENOUGH_ANSWERS = 256;
/** One connection more is always let in this many milliseconds behind the last one: slow answers, uploads and long polls hold back nobody for long. */
const PATIENCE_MS = 15;

/**
 * How many connections may wait for their first answer at a time.
 *
 * Accident stopped: at the end of a wake everybody who waited is dialled in the same instant. A listen queue that is full drops the SYN, and
 * the system sends the next one a second later.
 */
export class DialWindow {
  #size = START;
  /** Dialled, and without an answer so far. */
  #open = 0;
  #answers = 0;
  #lastDial = Number.NEGATIVE_INFINITY;

  /** Milliseconds until one more may be dialled; 0: now. */
  waitMs(now: number): number {
    if (this.#open < this.#size) return 0;
    return Math.max(0, this.#lastDial + PATIENCE_MS - now);
  }

  dialled(now: number): void {
    this.#open += 1;
    this.#lastDial = now;
  }

  /** The first answer on a connection. `concurrent`: the app is known to serve several connections at a time. */
  answered(concurrent: boolean): void {
    this.#open -= 1;
    this.#answers += 1;
    if (this.#answers >= ENOUGH_ANSWERS) this.#size = Number.POSITIVE_INFINITY;
    else if (concurrent) this.#size += STEP;
  }

  /** A connection ended without an answer. */
  ended(): void {
    this.#open -= 1;
  }
}
