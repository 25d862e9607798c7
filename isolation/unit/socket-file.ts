/** The file at which systemd listens. Whoever deletes it, or puts another one in its place, leaves a unit that listens and that nobody reaches. */
import { stat } from 'node:fs/promises';

/** Which file a path leads to, for as long as the machine runs; undefined: to no socket. */
export async function socketFile(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isSocket() ? `${stats.dev}:${stats.ino}` : undefined;
  } catch {
    return undefined;
  }
}
