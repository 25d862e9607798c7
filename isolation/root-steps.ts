/** Pure: the root directory of an isolated instance as steps of the builder; the same as rootScript's shell script makes. */
import { dirname } from 'node:path';
import type { Step } from './builder.js';
import { type Mount, NEW_ROOT, OLD_ROOT, ROOT_SIZE, type RootPlan } from './private-root.js';

/** sys/mount.h; those of statfs(2) are the same. */
const FLAGS: Readonly<Record<string, number>> = { ro: 1, nosuid: 2, nodev: 4, noexec: 8 };
const REMOUNT = 32;
const BIND = 4096;
const RECURSIVE = 16384;
const MAKE = /^X-mount\.mkdir(?:=(\d+))?$/;

/** Ends in the new root, in its root directory, with nothing of the machine's own root left. */
export function rootSteps(plan: RootPlan): Step[] {
  const inside = (path: string): string => `${NEW_ROOT}${path}`;
  const places = [...plan.directories, ...plan.links.map((link) => dirname(link))];
  return [
    ['mount', 'tenement', NEW_ROOT, 'tmpfs', flagsOf(['nosuid', 'nodev']), `${ROOT_SIZE},mode=755`],
    ...[...new Set(places)].map((path): Step => ['directory', inside(path === '/' ? '' : path), '755']),
    ...plan.links.map((link): Step => ['link', link, inside(link)]),
    ...plan.files.map(({ path, text }): Step => ['file', inside(path), text]),
    ...(plan.hostname === undefined ? [] : [['hostname', plan.hostname] as const]),
    ...plan.mounts.flatMap(mountSteps),
    ...(plan.seal ? [restrict('', ['ro', 'nosuid', 'nodev'])] : []),
    ['root', NEW_ROOT, OLD_ROOT],
  ];
}

/** What mount(8) does: options that are flags, others for the file system; a bind mount can be restricted only once it is there. */
function mountSteps({ source, target, type, options }: Mount): Step[] {
  const path = `${NEW_ROOT}${target}`;
  const make = options.map((option) => MAKE.exec(option)).find((match) => match !== null);
  const directory: Step[] = make === undefined ? [] : [['directory', path, make?.[1] ?? '755']];
  const bind = options.includes('rbind') ? BIND | RECURSIVE : options.includes('bind') ? BIND : 0;
  const flags = options.filter((option) => option in FLAGS);
  if (bind !== 0) {
    const bound: Step = ['mount', source, path, 'none', bind, ''];
    return [...directory, bound, ...(flags.length === 0 ? [] : [restrict(target, flags)])];
  }
  const data = options.filter((option) => !(option in FLAGS) && !MAKE.test(option)).join(',');
  return [...directory, ['mount', source, path, type, flagsOf(flags), data]];
}

function restrict(target: string, options: readonly string[]): Step {
  return ['restrict', `${NEW_ROOT}${target}`, REMOUNT | BIND | flagsOf(options)];
}

function flagsOf(options: readonly string[]): number {
  return options.reduce((sum, option) => sum | (FLAGS[option] ?? 0), 0);
}
