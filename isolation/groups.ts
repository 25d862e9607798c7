/** The cgroups of one start: made with their limits before anything joins them, so that the limits hold from the first instruction. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TenementError } from '../src/base/errors.js';
import { createGroup, groupPath, removeGroup } from './cgroup.js';
import type { Host, Spec } from './contract.js';
import { enableControllers } from './controllers.js';
import { type LimitGroup, planLimits } from './limits.js';
import { prepareGroup } from './prepare.js';

export interface Groups {
  /** Of version 2. */
  readonly cgroup: string | undefined;
  /** Of version 1. */
  readonly legacy: readonly string[];
  /** cgroup.procs of all of them. */
  readonly procs: readonly string[];
  remove(): Promise<void>;
}

const enabled = new Map<string, Promise<string[]>>();

/**
 * `wrappers`: how many processes of ours will be in the groups beside the app's.
 * @throws TenementError `unproven_process`; `isolation_unavailable` when a limit cannot be applied
 */
export async function prepareGroups(spec: Spec, host: Host, wrappers: number): Promise<Groups> {
  const cgroup = groupPath(host, spec.group);
  const limits = spec.limits ?? {};
  const needsControllers = limits.memoryBytes ?? limits.cpuWeight ?? limits.cpuQuota ?? limits.pids;
  const controllers = needsControllers === undefined ? [] : await controllersOf(host);
  const plan = planLimits(limits, { ...host, controllers }, spec.group, wrappers);
  if (plan.missing.length > 0) throw missingControllers(plan.missing);
  const legacy: LimitGroup[] = [...plan.legacy];
  const freezer = host.legacyCgroups?.freezer;
  // Only version 2 can freeze without a controller.
  if (cgroup === undefined && freezer !== undefined) {
    legacy.push({ directory: join(freezer, 'tenement', spec.group), settings: [] });
  }
  const directories = [
    ...(cgroup === undefined ? [] : [cgroup]),
    ...legacy.map(({ directory }) => directory),
  ];
  const remove = async (): Promise<void> => {
    await Promise.all(directories.map(removeGroup));
  };
  if (cgroup !== undefined) await prepareGroup(cgroup);
  try {
    if (cgroup !== undefined) await apply({ directory: cgroup, settings: plan.unified });
    for (const group of legacy) {
      await createGroup(group.directory);
      await apply(group);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    cgroup,
    legacy: legacy.map(({ directory }) => directory),
    procs: directories.map((directory) => join(directory, 'cgroup.procs')),
    remove,
  };
}

async function controllersOf(host: Host): Promise<readonly string[]> {
  const root = host.cgroupRoot;
  if (root === undefined) return [];
  const known = enabled.get(root) ?? enableControllers(root);
  enabled.set(root, known);
  return known;
}

async function apply({ directory, settings }: LimitGroup): Promise<void> {
  for (const { file, value, optional } of settings) {
    try {
      await writeFile(join(directory, file), value);
    } catch (error) {
      if (optional) continue;
      const because = error instanceof Error ? error.message : String(error);
      throw new TenementError(
        'isolation_unavailable',
        `the limit ${file} = ${value} was not accepted: ${because}`,
        {
          cause: error,
        },
      );
    }
  }
}

function missingControllers(names: readonly string[]): TenementError {
  const limits = { memory: '`memory_limit_mb`', cpu: '`cpu_shares` or `cpu_limit`', pids: '`pids_limit`' };
  const keys = names.map((name) => limits[name as keyof typeof limits]).join(', ');
  return new TenementError(
    'isolation_unavailable',
    `${keys} cannot be applied: this server may not use the cgroup controllers ${names.join(', ')}`,
    { hint: 'Run the server as root, or as a systemd service with `Delegate=yes`; or remove the limit.' },
  );
}
