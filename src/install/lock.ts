/** One installation at a time: two would each take away what the other writes. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { TenementError } from '../base/errors.js';

/**
 * Held while `act` runs. By flock(2) on a file in a directory of root: it ends with the process, however that dies.
 * @throws TenementError `conflict` when another one is at work; what `act` throws
 */
export async function withInstallLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  const fd = take(path);
  try {
    return await act();
  } finally {
    // Before it is let go: whoever opens it from now on gets another one.
    rmSync(path, { force: true });
    closeSync(fd);
  }
}

function take(path: string): number {
  for (;;) {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    try {
      if (!lock(fd)) throw busy(path);
      const there = statSync(path, { throwIfNoEntry: false });
      if (there?.ino === fstatSync(fd).ino) {
        writeFileSync(path, `${process.pid}\n`);
        return fd;
      }
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    // Its holder has just removed it.
    closeSync(fd);
  }
}

/** The lock belongs to the open file, which we share with flock(1) and keep. */
function lock(fd: number): boolean {
  const { status, error } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', fd],
  });
  if (error !== undefined)
    throw new TenementError('install_failed', 'flock, which keeps two installations apart, does not run', {
      hint: 'Install util-linux.',
      cause: error,
    });
  return status === 0;
}

function busy(path: string): TenementError {
  const pid = readFileSync(path, 'utf8').trim();
  return new TenementError('conflict', `Another installation is at work${pid && ` (pid ${pid})`}`, {
    hint: 'Wait until it has ended, and try again.',
  });
}
