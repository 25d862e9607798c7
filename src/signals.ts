/** Signals to the server itself. */

/** Resolves with the first SIGTERM or SIGINT; SIGHUP asks for a reload. Later ones are ignored: the stop is under way. */
export function untilSignal(onReload: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
    process.on('SIGHUP', onReload);
  });
}
