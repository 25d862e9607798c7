/** Deleting what a hostile app has left, whatever shape it has. */
import { rm } from 'node:fs/promises';
import { execa } from 'execa';
import { errnoOf, TenementError } from '../base/errors.js';

/** A tree of a million files on a slow disk. */
const TIMEOUT_MS = 600_000;

/**
 * Symlinks are deleted, not followed.
 *
 * Attack: an app that makes directories in one another until their path is longer than any call takes, or takes away its own right to
 * enter them (from a server that is not root): its customer's data could not be deleted. chmod(1) and rm(1) go into each from the one above.
 * @throws TenementError internal
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!['ENAMETOOLONG', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
    await run('chmod', ['-R', 'u+rwX', '--', path]);
    const { exitCode, stderr } = await run('rm', ['-rf', '--', path]);
    if (exitCode === 0) return;
    throw new TenementError(
      'internal',
      `${path} could not be deleted: ${stderr.trim().slice(0, 300) || 'rm(1) did not say why'}`,
    );
  }
}

/** What the first cannot do the second says. */
async function run(
  tool: string,
  args: readonly string[],
): Promise<{ exitCode: number | undefined; stderr: string }> {
  const { exitCode, stderr, shortMessage } = await execa(tool, args, {
    reject: false,
    stdin: 'ignore',
    stdout: 'ignore',
    timeout: TIMEOUT_MS,
    env: { LC_ALL: 'C' },
    maxBuffer: 64 * 1024,
  });
  return { exitCode, stderr: stderr || (exitCode === 0 ? '' : (shortMessage ?? '')) };
}
