/** Waits for `work` with a spinner when a person watches; prints nothing otherwise. */
export async function withSpinner<T>(text: string, work: Promise<T>): Promise<T> {
  if (process.stderr.isTTY !== true || process.env.TERM === 'dumb') return await work;
  // Unhandled until the await below otherwise, if the import takes longer than the failure.
  work.catch(() => undefined);
  const { default: yoctoSpinner } = await import('yocto-spinner');
  const spinner = yoctoSpinner({ text, stream: process.stderr }).start();
  try {
    return await work;
  } finally {
    spinner.stop();
  }
}
