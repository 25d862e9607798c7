/** Pure: limits of a whole tree, as what is to be written to files of cgroups: version 2 where its controllers are, else version 1. */
import { join } from 'node:path';
import type { Host, Limits } from './contract.js';

/** One group and what is written into it before anything joins it. */
export interface LimitGroup {
  readonly directory: string;
  readonly settings: readonly {
    readonly file: string;
    readonly value: string;
    readonly optional?: boolean;
  }[];
}

export interface LimitPlan {
  /** Of version 1; each has to be made, joined and removed. */
  readonly legacy: readonly LimitGroup[];
  /** For the instance's group of version 2. */
  readonly unified: LimitGroup['settings'];
  /** Controllers that a limit needs and this machine does not give. */
  readonly missing: readonly Controller[];
}

export type Controller = 'memory' | 'cpu' | 'pids';

const PERIOD_US = 100_000;
/** The kernel takes no less than a millisecond per period. */
const LEAST_QUOTA_US = 1_000;

/** `wrappers`: processes of ours that count as the tree's. `group`: as Spec.group. */
export function planLimits(
  limits: Limits,
  host: Pick<Host, 'controllers' | 'legacyCgroups'>,
  group: string,
  wrappers: number,
): LimitPlan {
  const legacy: LimitGroup[] = [];
  const unified: LimitGroup['settings'][number][] = [];
  const missing: Controller[] = [];
  for (const [controller, settings] of wanted(limits, wrappers)) {
    const directory = host.legacyCgroups?.[controller];
    if (host.controllers.includes(controller)) unified.push(...settings.unified);
    else if (directory !== undefined) {
      legacy.push({ directory: join(directory, 'tenement', group), settings: settings.legacy });
    } else missing.push(controller);
  }
  if (limits.cpuWeight !== undefined && host.controllers.includes('io')) {
    // As much more or less of the disk as of the processor. Nothing is promised of it: it has an effect only with some schedulers of the kernel.
    unified.push({ file: 'io.weight', value: `default ${limits.cpuWeight}`, optional: true });
  }
  return { legacy, unified, missing };
}

interface Settings {
  readonly unified: LimitGroup['settings'];
  readonly legacy: LimitGroup['settings'];
}

function wanted(limits: Limits, wrappers: number): [Controller, Settings][] {
  const { memoryBytes, cpuWeight, cpuQuota, pids } = limits;
  const all: [Controller, Settings][] = [];
  if (memoryBytes !== undefined) all.push(['memory', memory(memoryBytes)]);
  if (cpuWeight !== undefined || cpuQuota !== undefined) all.push(['cpu', cpu(cpuWeight, cpuQuota)]);
  if (pids !== undefined) {
    const settings = [{ file: 'pids.max', value: String(pids + wrappers) }];
    all.push(['pids', { unified: settings, legacy: settings }]);
  }
  return all;
}

function memory(bytes: number): Settings {
  const value = String(Math.floor(bytes));
  return {
    unified: [
      { file: 'memory.max', value },
      // Otherwise what does not fit would go there without a bound. Absent on kernels without swap.
      { file: 'memory.swap.max', value, optional: true },
      // All or nothing: an app without one of its processes is neither alive nor restarted.
      { file: 'memory.oom.group', value: '1', optional: true },
    ],
    legacy: [
      { file: 'memory.limit_in_bytes', value },
      // Memory and swap together; absent without swap accounting.
      { file: 'memory.memsw.limit_in_bytes', value: String(Math.floor(bytes) * 2), optional: true },
    ],
  };
}

function cpu(weight: number | undefined, cores: number | undefined): Settings {
  const quota =
    cores === undefined ? undefined : String(Math.max(LEAST_QUOTA_US, Math.round(cores * PERIOD_US)));
  return {
    unified: [
      ...(weight === undefined ? [] : [{ file: 'cpu.weight', value: String(weight) }]),
      ...(quota === undefined ? [] : [{ file: 'cpu.max', value: `${quota} ${PERIOD_US}` }]),
    ],
    legacy: [
      // 100 and 1024 are what a group has by default.
      ...(weight === undefined
        ? []
        : [{ file: 'cpu.shares', value: String(Math.max(2, Math.round((weight * 1024) / 100))) }]),
      ...(quota === undefined
        ? []
        : [
            { file: 'cpu.cfs_period_us', value: String(PERIOD_US) },
            { file: 'cpu.cfs_quota_us', value: quota },
          ]),
    ],
  };
}

/** POSIX counts these in blocks of 512 bytes. */
const BLOCK = 512;

/** Shell code that sets what the kernel limits per process, soft and hard; `core` is 0 unless allowed. */
export function processLimits({ core = 0, nofile, fsize }: Limits): string {
  const lines = [
    `ulimit -c ${Math.floor(core / BLOCK)}`,
    ...(nofile === undefined ? [] : [`ulimit -n ${nofile}`]),
    ...(fsize === undefined ? [] : [`ulimit -f ${Math.ceil(fsize / BLOCK)}`]),
  ];
  return lines.map((line) => `${line} || exit 1\n`).join('');
}

/** sys/resource.h */
const RLIMIT = { fsize: 1, core: 4, nofile: 7 };

/** The same for who calls setrlimit(2): numbers of resources and values. */
export function resourceLimits({ core = 0, nofile, fsize }: Limits): (readonly [number, number])[] {
  return [
    [RLIMIT.core, core],
    ...(nofile === undefined ? [] : [[RLIMIT.nofile, nofile] as const]),
    ...(fsize === undefined ? [] : [[RLIMIT.fsize, fsize] as const]),
  ];
}
