/** The end of a connection after its last answer: read on for a while, as RFC 9112 9.6 wants it, or the client may lose that answer to a reset. */

/** How long a client may go on sending what nobody wants before it is cut off. */
export const LINGER_MS = 5000;
/** The same at the end of the server, which waits for it. */
const CLOSING_LINGER_MS = 1000;
/** How long a client may read nothing of its last answer. */
const STALLED_MS = 60_000;

/** Accident stopped: a client with a slow line loses the end of an answer that lies here because it could not be sent yet. */
export class Linger {
  #unsent = 0;
  /** performance.now() when some of it went out for the last time. */
  #movedAt = 0;

  /**
   * Called about twice a second. `unsent`: bytes of the answer that have not gone out; `lasted`: milliseconds of this end so far; `closing`: so does the
   * server.
   */
  isOver(unsent: number, lasted: number, now: number, closing: boolean): boolean {
    if (unsent !== this.#unsent) {
      this.#unsent = unsent;
      this.#movedAt = now;
    }
    const still = this.#movedAt === 0 ? lasted : Math.min(lasted, now - this.#movedAt);
    if (unsent > 0) return still > STALLED_MS;
    return still > (closing ? CLOSING_LINGER_MS : LINGER_MS);
  }
}
