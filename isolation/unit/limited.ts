/** Whether systemd can hold the limits of a unit: what it has no controller for it leaves out, without an error. */
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TenementError } from '../../src/base/errors.js';
import type { Host, Spec } from '../contract.js';

type Asked = Pick<Spec, 'limits' | 'unitProperties'>;
type Controller = 'memory' | 'cpu' | 'pids' | 'io';

const CONTROLLERS: readonly Controller[] = ['memory', 'cpu', 'pids', 'io'];
/** Where all controllers are of version 2, and its groups show which of them they have. */
const UNIFIED = '/sys/fs/cgroup';
/** systemd.resource-control(5), by the names that D-Bus has for them. */
const PROPERTIES: readonly (readonly [RegExp, Controller])[] = [
  [/^Memory(Min|Low|High|Max|SwapMax|ZSwapMax)$/, 'memory'],
  [/^TasksMax$/, 'pids'],
  [/^(StartupCPUWeight|CPUWeight|CPUQuota\w*)$/, 'cpu'],
  [/^(StartupIOWeight|IOWeight|IO(Read|Write)(Bandwidth|IOPS)Max)$/, 'io'],
];
const INFINITY = 0xffff_ffff_ffff_ffffn;

/** @throws TenementError `isolation_unavailable` for a limit for which systemd has no controller */
export async function refuseUnlimited(spec: Asked, { systemd }: Pick<Host, 'systemd'>): Promise<void> {
  const asked = controllersFor(spec);
  if (asked.size === 0) return;
  const given =
    systemd?.cgroups === UNIFIED ? await givenTo(await groupOfSystemd()) : await mountedControllers();
  refuseMissing(asked, given ?? []);
}

/**
 * `cgroup`: of the unit that runs. One that is over by now has none, and needs no limit any more.
 * @throws TenementError `isolation_unavailable` when it came to run without one of its limits
 */
export async function refuseUnheld(
  spec: Asked,
  { systemd }: Pick<Host, 'systemd'>,
  cgroup: string | undefined,
): Promise<void> {
  const asked = controllersFor(spec);
  if (asked.size === 0 || cgroup === undefined || systemd?.cgroups !== UNIFIED) return;
  const given = await givenTo(cgroup);
  if (given !== undefined) refuseMissing(asked, given);
}

/** Pure: what each needs, and the keys of the configuration that ask for it. */
export function controllersFor({ limits = {}, unitProperties = [] }: Asked): Map<Controller, string[]> {
  const asked = new Map<Controller, string[]>();
  const add = (controller: Controller, key: string) =>
    asked.set(controller, [...(asked.get(controller) ?? []), key]);
  if (limits.memoryBytes !== undefined) add('memory', 'memory_limit_mb');
  if (limits.cpuWeight !== undefined) add('cpu', 'cpu_shares');
  if (limits.cpuQuota !== undefined) add('cpu', 'cpu_limit');
  if (limits.pids !== undefined) add('pids', 'pids_limit');
  for (const [name, , value] of unitProperties) {
    const controller = PROPERTIES.find(([names]) => names.test(name))?.[1];
    if (controller !== undefined && value !== INFINITY) add(controller, name.replace('PerSecUSec', ''));
  }
  return asked;
}

function refuseMissing(asked: ReadonlyMap<Controller, readonly string[]>, given: readonly string[]): void {
  const missing = [...asked].filter(([controller]) => !given.includes(controller));
  if (missing.length === 0) return;
  const keys = missing.flatMap(([, names]) => names.map((name) => `\`${name}\``)).join(', ');
  const names = missing.map(([controller]) => controller).join(', ');
  throw new TenementError(
    'isolation_unavailable',
    `${keys} cannot be applied: systemd may not use the cgroup controllers ${names} here`,
    { hint: 'Boot with cgroup v2, or give the container these controllers; or remove the limit.' },
  );
}

/** Undefined: there is no such group. */
async function givenTo(group: string): Promise<string[] | undefined> {
  const text = await readFile(join(group, 'cgroup.controllers'), 'utf8').catch(() => undefined);
  return text?.trim().split(/\s+/).filter(Boolean);
}

/** The group above all units. systemd itself is in one of them, `init.scope`. */
async function groupOfSystemd(): Promise<string> {
  const text = await readFile('/proc/1/cgroup', 'utf8').catch(() => '');
  return join(UNIFIED, dirname(/^0::(\/.*)$/m.exec(text)?.[1] ?? '/init.scope'));
}

/** Of version 1: each is mounted on its own. */
async function mountedControllers(): Promise<string[]> {
  const places = { memory: 'memory', cpu: 'cpu', pids: 'pids', io: 'blkio' };
  const found = await Promise.all(
    CONTROLLERS.map((name) =>
      access(join(UNIFIED, places[name])).then(
        () => [name],
        () => [],
      ),
    ),
  );
  return found.flat();
}
