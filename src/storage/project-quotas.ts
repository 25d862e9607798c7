/**
 * Project quotas of the file system (quotactl(2), ext4 and XFS): the kernel refuses what would make the files of a project take more than
 * its limit.
 */
import { readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type Mount, mountOf } from '../base/mount-info.js';
import { missingPackages, type ProjectQuotas, QuotaTools } from './quota-tools.js';

/** Why quotas are only measured, and what to do about it. */
export interface NoProjectQuotas {
  readonly reason: string;
  readonly remedy: string;
}

const MOUNT_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  ext4: ['prjquota'],
  // pqnoenforce counts, but lets everything pass.
  xfs: ['prjquota', 'pquota'],
};
/** No project of ours, and of nobody: (u32)-1 is invalid, and this is the one before it. */
const NOBODYS_PROJECT = 4294967294;

/** Looks at the file system of `directory`, or of the nearest one above it that exists. Changes nothing. */
export async function findProjectQuotas(
  directory: string,
  root = process.geteuid?.() === 0,
): Promise<ProjectQuotas | NoProjectQuotas> {
  if (process.platform !== 'linux')
    return { reason: 'only Linux has project quotas', remedy: 'Run it on Linux.' };
  const place = await existing(directory);
  const mount = mountOf(place, await readFile('/proc/self/mountinfo', 'utf8'));
  const problem = whyNot(mount, root);
  if (problem !== undefined || mount === undefined) return problem ?? unknownMount(place);
  const missing = await missingPackages();
  if (missing.length > 0) {
    const packages = missing.join(' and ');
    return { reason: `the package ${packages} is missing`, remedy: `Install ${packages}.` };
  }
  return workingQuotas(mount);
}

export function isSupported(found: ProjectQuotas | NoProjectQuotas): found is ProjectQuotas {
  return 'where' in found;
}

/** By the mount alone. Pure. */
export function whyNot(mount: Mount | undefined, root: boolean): NoProjectQuotas | undefined {
  if (mount === undefined) return unknownMount('the data directory');
  const options = MOUNT_OPTIONS[mount.type];
  const where = `${mount.type} at ${mount.point}`;
  if (options === undefined) {
    return {
      reason: `${where} has no project quotas`,
      remedy: 'Put `data_dir` on ext4 or XFS, mounted with prjquota.',
    };
  }
  if (!options.some((option) => mount.options.includes(option))) {
    return { reason: `${where} is mounted without project quotas`, remedy: remedyFor(mount) };
  }
  if (!root) return { reason: 'only root may set them', remedy: 'Run the server as root.' };
  return undefined;
}

function remedyFor({ type, point }: Mount): string {
  if (type === 'xfs') return `Mount ${point} with the option prjquota (it needs to be unmounted for it).`;
  return `While ${point} is not mounted: tune2fs -O quota,project -Q prjquota on its device; then mount it with the option prjquota.`;
}

function unknownMount(place: string): NoProjectQuotas {
  return { reason: `the file system of ${place} cannot be told`, remedy: 'Mount /proc.' };
}

/** Asks the kernel: inside containers the option is to be seen, but the device is not there. */
async function workingQuotas(mount: Mount): Promise<ProjectQuotas | NoProjectQuotas> {
  const quotas = new QuotaTools(mount);
  try {
    await quotas.limit(NOBODYS_PROJECT, undefined);
    return quotas;
  } catch (error) {
    return {
      reason: `${quotas.where} does not let them be set: ${error instanceof Error ? error.message : String(error)}`,
      remedy: 'Look with `quotaon -Pp` and `repquota -P` whether project quotas are on.',
    };
  }
}

async function existing(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || path === dirname(path)) throw error;
    return existing(dirname(path));
  }
}

/** Looks when it is first asked, and says in the log what it has found to be missing. */
export function projectQuotasOnce(directory: string, log: Log): () => Promise<ProjectQuotas | undefined> {
  let found: Promise<ProjectQuotas | undefined> | undefined;
  const find = async (): Promise<ProjectQuotas | undefined> => {
    const answer = await findProjectQuotas(directory);
    if (isSupported(answer)) return answer;
    log.info(answer, 'disk quotas are measured, and not held by the kernel');
    return undefined;
  };
  return () => {
    found ??= find();
    return found;
  };
}
