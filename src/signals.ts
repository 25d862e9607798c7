/**
 * Signals to the server itself. They count from the first moment of `ten serve`: what comes while it starts is remembered, for
 * the default of SIGHUP and SIGTERM would end it at once, with instances adopted or started that nobody stops.
 */

let caught: { stop: NodeJS.Signals | undefined; stopAt: number; reload: boolean } | undefined;
let onHurry: (() => void) | undefined;

/** npm passes on a Ctrl-C that the terminal has sent to us already: so soon after the first it is not a person's second. */
const SAME_SIGNAL_MS = 1000;
let onStop: ((signal: NodeJS.Signals) => void) | undefined;
let onReload: (() => void) | undefined;

/** To be called before anything else of the server is even loaded. Idempotent. */
export function catchSignals(): void {
  if (caught !== undefined) return;
  caught = { stop: undefined, stopAt: 0, reload: false };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', reload);
}

/** Gives the signals their usual effect again: a server that could not start must not be one that cannot be ended. */
export function releaseSignals(): void {
  process.off('SIGTERM', stop);
  process.off('SIGINT', stop);
  process.off('SIGHUP', reload);
  caught = undefined;
  onStop = undefined;
  onReload = undefined;
  onHurry = undefined;
}

/** SIGTERM or SIGINT has come: what is not started yet need not be. */
export function stopRequested(): boolean {
  return caught?.stop !== undefined;
}

/**
 * Resolves with the first SIGTERM or SIGINT, also one that came before; SIGHUP asks for a reload, by one call for all that came
 * before.
 */
export function untilSignal(reloadNow: () => void): Promise<NodeJS.Signals> {
  catchSignals();
  return new Promise((resolve) => {
    if (caught?.stop !== undefined) return resolve(caught.stop);
    onStop = resolve;
    onReload = reloadNow;
    if (caught?.reload === true) reloadNow();
  });
}

/** Calls `hurry` when a second SIGTERM or SIGINT comes while the server stops. */
export function whenHurried(hurry: () => void): void {
  onHurry = hurry;
}

function stop(signal: NodeJS.Signals): void {
  if (caught === undefined) return;
  if (caught.stop !== undefined) {
    if (performance.now() - caught.stopAt > SAME_SIGNAL_MS) onHurry?.();
    return;
  }
  caught.stop = signal;
  caught.stopAt = performance.now();
  onReload = () => {};
  onStop?.(signal);
}

function reload(): void {
  if (caught === undefined) return;
  if (onReload === undefined) caught.reload = true;
  else onReload();
}
