/**
 * Signals to the server itself. They count from the first moment of `ten serve`: what comes while it starts is remembered, for
 * the default of SIGHUP and SIGTERM would end it at once, with instances adopted or started that nobody stops.
 */

let caught: { stop: NodeJS.Signals | undefined; reload: boolean } | undefined;
let onStop: ((signal: NodeJS.Signals) => void) | undefined;
let onReload: (() => void) | undefined;

/** To be called before anything else of the server is even loaded. Idempotent. */
export function catchSignals(): void {
  if (caught !== undefined) return;
  caught = { stop: undefined, reload: false };
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
}

/** SIGTERM or SIGINT has come: what is not started yet need not be. */
export function stopRequested(): boolean {
  return caught?.stop !== undefined;
}

/**
 * Resolves with the first SIGTERM or SIGINT, also one that came before; SIGHUP asks for a reload, by one call for all that came
 * before. Later ones are ignored: the stop is under way.
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

function stop(signal: NodeJS.Signals): void {
  if (caught === undefined || caught.stop !== undefined) return;
  caught.stop = signal;
  onReload = () => {};
  onStop?.(signal);
}

function reload(): void {
  if (caught === undefined) return;
  if (onReload === undefined) caught.reload = true;
  else onReload();
}
