/** The usual tools for quotas of projects: chattr of e2fsprogs and setquota. Neither trees nor ioctls are for the event loop. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { TenementError } from '../base/errors.js';
import type { Mount } from '../base/mount-info.js';

const TOOLS = { chattr: 'e2fsprogs', lsattr: 'e2fsprogs', setquota: 'quota' } as const;
/** Limits are set in 1 KiB blocks. */
const BLOCK = 1024;
/** A tree of a million files takes chattr some seconds on a slow disk. */
const TREE_TIMEOUT_MS = 600_000;
const TIMEOUT_MS = 20_000;

/** What can be done where it is supported. Projects are numbers; 0 is that of all files that have none. */
export interface ProjectQuotas {
  /** `ext4 at /data`. */
  readonly where: string;
  /** Gives the directories with everything in them to the project; what is created in them later follows. @throws TenementError internal */
  assign(directories: readonly string[], project: number): Promise<void>;
  /** Takes them out again. @throws TenementError internal */
  release(paths: readonly string[]): Promise<void>;
  /** Bytes that the files of a project may take together; undefined: as many as there are. @throws TenementError internal */
  limit(project: number, bytes: number | undefined): Promise<void>;
}

export class QuotaTools implements ProjectQuotas {
  readonly where: string;

  constructor(private readonly mount: Mount) {
    this.where = `${mount.type} at ${mount.point}`;
  }

  async assign(directories: readonly string[], project: number): Promise<void> {
    await this.#chattr(directories, project, [
      moveArgs(directories, project),
      inheritArgs(directories, '+P'),
    ]);
  }

  async release(paths: readonly string[]): Promise<void> {
    await this.#chattr(paths, 0, [moveArgs(paths, 0), inheritArgs(paths, '-P')]);
  }

  async limit(project: number, bytes: number | undefined): Promise<void> {
    const result = await run('setquota', limitArgs(project, bytes, this.mount.point), TIMEOUT_MS);
    if (result.exitCode !== 0) throw failed(`the disk limit of project ${project}`, result.stderr);
  }

  /** chattr complains of links, sockets and pipes, which take no space, and goes on. So what counts is what the tops say in the end. */
  async #chattr(paths: readonly string[], project: number, calls: readonly string[][]): Promise<void> {
    if (paths.length === 0) return;
    let stderr = '';
    for (const args of calls) stderr += (await run('chattr', args, TREE_TIMEOUT_MS)).stderr;
    const { stdout } = await run('lsattr', ['-d', '-p', ...paths], TIMEOUT_MS);
    if (projectsOf(stdout).some((one) => one !== project) || projectsOf(stdout).length !== paths.length) {
      throw failed(`project ${project} of ${paths.join(', ')}`, stderr);
    }
  }
}

export function moveArgs(paths: readonly string[], project: number): string[] {
  return ['-R', '-p', String(project), ...paths];
}

/**
 * P: what is created in there has the same project (FS_PROJINHERIT_FL). Of directories alone: ext4 refuses it for files, and chattr, asked
 * for both at once, then leaves the project of the file as it was.
 */
export function inheritArgs(paths: readonly string[], flag: '+P' | '-P'): string[] {
  return ['-R', '-f', flag, ...paths];
}

/** No soft limit: that would be a second, late warning; and none on the number of files. Rounded down: never more than was said. */
export function limitArgs(project: number, bytes: number | undefined, mountPoint: string): string[] {
  // At least one block: 0 is "unlimited".
  const blocks = bytes === undefined ? 0 : Math.max(1, Math.floor(bytes / BLOCK));
  return ['-P', String(project), '0', String(blocks), '0', '0', mountPoint];
}

/** The first column of `lsattr -p`. */
export function projectsOf(output: string): number[] {
  return [...output.matchAll(/^\s*(\d+)\s/gm)].map((match) => Number(match[1]));
}

async function run(
  tool: keyof typeof TOOLS,
  args: readonly string[],
  timeout: number,
): Promise<{ exitCode: number | undefined; stderr: string; stdout: string }> {
  const { exitCode, stderr, stdout, shortMessage } = await execa(tool, args, {
    reject: false,
    timeout,
    stdin: 'ignore',
    env: { LC_ALL: 'C', PATH: searchPath() },
    // A line for each link in a large tree.
    maxBuffer: 1024 * 1024,
  });
  return { exitCode, stdout, stderr: stderr === '' ? (shortMessage ?? '') : stderr };
}

function failed(what: string, stderr: string): TenementError {
  return new TenementError(
    'internal',
    `${what} could not be set: ${stderr.trim().slice(0, 500) || 'no reason was given'}`,
    {
      hint: '`ten doctor` says what the file system of the data directory gives.',
    },
  );
}

/** Names of Debian's packages, which are those of most. */
export async function missingPackages(): Promise<string[]> {
  const missing = new Set<string>();
  for (const [tool, name] of Object.entries(TOOLS)) if (!(await isOnPath(tool))) missing.add(name);
  return [...missing];
}

async function isOnPath(tool: string): Promise<boolean> {
  for (const directory of searchPath().split(':')) {
    const found = await access(join(directory, tool), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** A shell that became root by `su` often lacks the directories of tools for root. */
const searchPath = () => `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;
