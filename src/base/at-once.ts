/** Doing the same to many, a few at a time. */

/**
 * Begins `work` for each item in order, with at most `atOnce` of them under way. Resolves when all are done.
 * @throws the first failure, at once; then nothing more is begun. Work whose failure must not stop the others catches it itself.
 */
export async function eachAtOnce<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  // One for all workers; a failure in the loop of one of them ends it (it is closed), and so the others.
  const rest = (function* () {
    yield* items;
  })();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
