/** Carries out the acts of an installation, one after another. */
import { chmod, lstat, mkdir, rename, rm, rmdir, symlink, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { errnoOf, TenementError } from '../base/errors.js';
import type { Program } from './program.js';
import { describe, isPending, matching, type Step } from './step.js';

/** A server may take its whole time limit to stop, and again to start. */
const COMMAND_MS = 15 * 60_000;

/**
 * `told` gets every act that was carried out. What was pending is done, what was not is left alone.
 * @throws TenementError `install_failed`, naming the act; those before it are done
 */
export async function apply(
  steps: readonly Step[],
  program: Program | undefined,
  told: (step: Step) => void,
): Promise<void> {
  for (const step of steps) {
    if (!isPending(step)) continue;
    try {
      await carryOut(step, program);
    } catch (cause) {
      if (cause instanceof TenementError) throw cause;
      throw new TenementError('install_failed', `Cannot ${describe(step)}`, { cause });
    }
    told(step);
  }
}

async function carryOut(step: Step, program: Program | undefined): Promise<void> {
  switch (step.do) {
    case 'directory':
      await mkdir(step.path, { recursive: true, mode: step.mode });
      return chmod(step.path, step.mode);
    case 'file':
      return replaceFile(step.path, step.text, step.mode);
    case 'link':
      return replaceLink(step.path, step.to);
    case 'program':
      return program?.copyTo(step.path);
    case 'rename':
      return rename(step.path, step.to);
    case 'remove':
      return rm(step.path, { recursive: true, force: true });
    case 'remove-matching':
      for (const path of matching(step)) await rm(path, { force: true });
      return;
    case 'remove-directory':
      return rmdir(step.path).catch((error) => {
        if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
      });
    case 'run':
      return run(step.command, step.mayFail === true);
  }
}

/** Whole or not at all, also when the machine goes down in between. */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const incoming = temporary(path);
  await writeFile(incoming, text, { mode, flush: true });
  await chmod(incoming, mode);
  await rename(incoming, path);
}

/** In one step: there is no moment without a program. */
async function replaceLink(path: string, to: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there !== undefined && !there.isSymbolicLink())
    throw new TenementError('install_failed', `${path} is in the way`, {
      hint: `Move it away: mv ${path} ${path}.old`,
    });
  const incoming = temporary(path);
  await unlink(incoming).catch(() => undefined);
  await symlink(to, incoming);
  await rename(incoming, path);
}

function temporary(path: string): string {
  return join(dirname(path), `.${basename(path)}.incoming`);
}

async function run([program, ...args]: readonly [string, ...string[]], mayFail: boolean): Promise<void> {
  const { failed, stderr, shortMessage } = await execa(program, args, {
    reject: false,
    stdin: 'ignore',
    timeout: COMMAND_MS,
  });
  if (!failed || mayFail) return;
  throw new TenementError(
    'install_failed',
    `\`${[program, ...args].join(' ')}\` failed: ${stderr || shortMessage}`,
    {
      hint: '`journalctl -u tenement -n 50` shows what the server says.',
    },
  );
}
