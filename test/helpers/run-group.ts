import { execa } from 'execa';

/** Runs a command to its end; when aborted, TERM goes to it and all its children, so that each can tidy up. Never rejects. */
export async function runGroup(
  file: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ exitCode: number | undefined; all: string }> {
  const child = execa(file, args, { all: true, reject: false, detached: true, stdin: 'ignore' });
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It has ended meanwhile.
    }
  };
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    const { exitCode, all } = await child;
    return { exitCode, all: `${all}` };
  } finally {
    signal.removeEventListener('abort', end);
  }
}
