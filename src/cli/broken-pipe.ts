/** What happens when nobody reads stdout or stderr any more. */

/** `ten logs | head`: the reader has what it wanted, and there is nobody left to tell. For commands that end by themselves. */
export function endOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      // What was said on stderr has failed or is under way; only a reader of the data decides that it is enough.
      process.exit(stream === process.stdout ? 0 : undefined);
    });
  }
}

/**
 * For the server: whatever reads its output (`| tee`, a terminal that closed, a disk that is full) may go; the instances go on
 * running, and what cannot be written is lost. Accident: `ten serve | head -1` ended without stopping its instances.
 */
export function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error');
    stream.on('error', () => {});
  }
}
