import { type Listed, Roster } from './roster.js';

/** Listens once to each `closing` signal, however many requests run under it: an event listener per request would cost more than its use. */
export interface Closable extends Listed {
  closing(reason: unknown): void;
}

const watched = new WeakMap<AbortSignal, Roster<Closable>>();

/** `closable.closing` is called when the signal aborts, until `unwatchClosing`. The signal must not have aborted yet. */
export function watchClosing(signal: AbortSignal, closable: Closable): void {
  let all = watched.get(signal);
  if (all === undefined) {
    const made = new Roster<Closable>();
    all = made;
    watched.set(signal, made);
    signal.addEventListener('abort', () => {
      for (const one of made.list()) {
        made.delete(one);
        one.closing(signal.reason);
      }
    });
  }
  all.add(closable);
}

export function unwatchClosing(signal: AbortSignal, closable: Closable): void {
  watched.get(signal)?.delete(closable);
}
