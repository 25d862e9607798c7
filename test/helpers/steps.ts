import { performance } from 'node:perf_hooks';
import { withSpinner } from '../../src/cli/spinner.js';

/** Tells on stderr what is done and how long it took, so that nobody watches a silent terminal. A spinner meanwhile, when a person watches. */
export async function step<T>(text: string, work: Promise<T>): Promise<T> {
  const start = performance.now();
  const seconds = (): string => ((performance.now() - start) / 1000).toFixed(1);
  // Only what may take long; a person sees the spinner instead.
  const alive = process.stderr.isTTY
    ? undefined
    : setInterval(() => tell(`${text} … ${seconds()} s`), 30_000);
  try {
    const result = await withSpinner(text, work);
    tell(`${text}: ${seconds()} s`);
    return result;
  } catch (error) {
    tell(`${text}: failed after ${seconds()} s`);
    throw error;
  } finally {
    clearInterval(alive);
  }
}

export function tell(text: string): void {
  process.stderr.write(`# ${text}\n`);
}
