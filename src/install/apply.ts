/** Carries out the acts of an installation, one after another. */
import { existsSync, statSync } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, rename, rm, rmdir, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { errnoOf, TenementError } from '../base/errors.js';
import { cannotListen } from './cannot-listen.js';
import type { Program } from './program.js';
import { describe, isPending, matching, type Step, temporaryName } from './step.js';

type FileStep = Extract<Step, { do: 'file' }>;

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
      throw new TenementError('install_failed', `Cannot ${describe(step)}`, { cause, ...hintFor(cause) });
    }
    told(step);
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room (`df -h` shows where it is missing). The same command goes on from here.',
  EDQUOT: 'The quota is used up. With more room, the same command goes on from here.',
  EROFS:
    'The file system is read-only (`findmnt` shows which). Writable again, the same command goes on from here.',
};

function hintFor(cause: unknown): { hint?: string } {
  const hint = HINTS[errnoOf(cause) ?? ''];
  return hint === undefined ? {} : { hint };
}

async function carryOut(step: Step, program: Program | undefined): Promise<void> {
  switch (step.do) {
    case 'directory':
      return makeDirectory(step.path, step.mode);
    case 'file':
      return replaceFile(step);
    case 'link':
      return replaceLink(step.path, step.to);
    case 'program':
      return program?.copyTo(step.path);
    case 'rename':
      return rename(step.path, step.to);
    case 'remove':
      return remove(step.path);
    case 'remove-program': {
      const outgoing = join(dirname(step.path), `.outgoing-${basename(step.path)}`);
      await rm(outgoing, { recursive: true, force: true });
      await rename(step.path, outgoing);
      return rm(outgoing, { recursive: true });
    }
    case 'remove-matching':
      for (const path of matching(step)) await rm(path, { recursive: true, force: true });
      return;
    case 'remove-directory':
      return rmdir(step.path).catch((error) => {
        if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
      });
    case 'run':
      return run(step);
  }
}

/** What is mounted there, as a volume for the data is, stays as an empty directory. */
async function remove(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== 'EBUSY') throw error;
    for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true });
  }
}

/** Where the file system is read-only, a recursive mkdir says that there is no such directory. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode }).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return mkdir(path, { recursive: true, mode });
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
  await chmod(path, mode);
}

/** Whole or not at all, also when the machine goes down in between. */
async function replaceFile({ path, text, mode, like }: FileStep): Promise<void> {
  const incoming = temporary(path);
  const owner = [path, like].find((one) => one !== undefined && existsSync(one));
  await rm(incoming, { force: true });
  // Attack: whoever owns the directory, as that of an app, has a link there by which root would write to another file.
  const file = await open(incoming, 'wx', mode);
  try {
    try {
      await file.writeFile(text);
      await file.chmod(mode);
      if (owner !== undefined) await file.chown(statSync(owner).uid, statSync(owner).gid);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(incoming, path);
  } catch (error) {
    await rm(incoming, { force: true });
    throw error;
  }
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
  return join(dirname(path), temporaryName(path));
}

async function run({ command, mayFail, listens }: Extract<Step, { do: 'run' }>): Promise<void> {
  const [program, ...args] = command;
  const { failed, stderr, shortMessage } = await execa(program, args, {
    reject: false,
    stdin: 'ignore',
    timeout: COMMAND_MS,
  });
  if (!failed || mayFail === true) return;
  if (listens !== undefined) throw await cannotListen(listens, stderr || (shortMessage ?? ''));
  throw new TenementError(
    'install_failed',
    `\`${[program, ...args].join(' ')}\` failed: ${stderr || shortMessage}`,
    {
      hint: '`journalctl -u tenement -n 50` shows what the server says.',
    },
  );
}
