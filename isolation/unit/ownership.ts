/**
 * Whose the units of an instance are. Their names are the machine's: another server may have an instance of the same name, and anybody may have
 * made a unit of it by hand. Only what is proven to be this server's is stopped or replaced.
 */
import { createHash } from 'node:crypto';
import { TenementError } from '../../src/base/errors.js';
import type { Property, PropertyValues, SystemdManager } from '../../systemd/manager.js';
import type { InstanceName } from '../contract.js';
import { socketUnits } from './socket-units.js';
import { isOver } from './state.js';

/** The directory with a server's data, which one server at a time has: what tells servers apart. */
export type Owner = string;

const SCHEME = 'file://';

/** Pure: what a unit is marked with. `systemctl status` shows it, and every unit may have it (systemd.unit(5), Documentation=). */
export function ownerMark(owner: Owner): Property {
  return ['Documentation', 'as', [markOf(owner)]];
}

/** Pure. Of characters that systemd would fill in or refuse there is a hash instead. */
export function markOf(owner: Owner): string {
  const isPlain = /^\/[\w./+-]*$/.test(owner);
  return `${SCHEME}${isPlain ? owner : `/${createHash('sha256').update(owner).digest('hex')}`}`;
}

/** Pure. `values`: those of the unit's general part are enough. */
export function isOwn(values: PropertyValues, owner: Owner): boolean {
  const marks = values.Documentation;
  return Array.isArray(marks) && marks.includes(markOf(owner));
}

/** Names of those that systemd knows and that are this server's. What listens comes first, so that they can be stopped in this order. */
export async function ownUnits(manager: SystemdManager, name: InstanceName, owner: Owner): Promise<string[]> {
  const all = await loaded(manager, name);
  return all.filter(({ values }) => isOwn(values, owner)).map(({ unit }) => unit);
}

/**
 * Frees the names of what is over.
 * @throws TenementError `unproven_process` for what runs or listens under the instance's name and is not this server's
 */
export async function refuseForeign(
  manager: SystemdManager,
  name: InstanceName,
  owner: Owner,
): Promise<void> {
  const foreign = (await loaded(manager, name)).filter(({ values }) => !isOwn(values, owner));
  const [first, ...others] = foreign.filter(({ values }) => !isOver(values));
  if (first !== undefined)
    throw runsAlready(first.unit, { values: first.values, others: others.map(({ unit }) => unit) });
  for (const { unit } of foreign) await manager.forget(unit);
}

/** Whether systemd has refused to start a unit because there is one of that name. */
export function isTaken(error: unknown): boolean {
  return error instanceof TenementError && error.details.name === 'UnitExists';
}

interface Known {
  /** They may tell whose it is. */
  readonly values?: PropertyValues;
  /** What runs along with it. */
  readonly others?: readonly string[];
  readonly cause?: unknown;
}

export function runsAlready(unit: string, { values, others = [], cause }: Known): TenementError {
  const marks = Array.isArray(values?.Documentation) ? values.Documentation.map(String) : [];
  const place = marks.find((mark) => mark.startsWith(SCHEME))?.slice(SCHEME.length);
  const told = place === undefined ? '' : `: it is of the server whose data is in ${place}`;
  const whose = values === undefined ? '' : `, and is not proven to be of this server${told}`;
  const names = [unit, ...others].map((name) => `'${name}'`).join(' ');
  return new TenementError('unproven_process', `the unit ${unit} runs already${whose}`, {
    hint: `If nothing else needs it: systemctl stop ${names}. Else give the service another name.`,
    ...(cause !== undefined && { cause }),
  });
}

interface Loaded {
  readonly unit: string;
  readonly values: PropertyValues;
}

async function loaded(manager: SystemdManager, name: InstanceName): Promise<Loaded[]> {
  const { app, door = '', socket: doorSocket } = socketUnits(name, true);
  const all = [
    [doorSocket, 'Socket'],
    [socketUnits(name, false).socket, 'Socket'],
    [door, 'Service'],
    [app, 'Service'],
  ] as const;
  const found = await Promise.all(
    all.map(async ([unit, kind]) => ({ unit, values: await manager.properties(unit, kind) })),
  );
  return found.flatMap(({ unit, values }) => (values === undefined ? [] : [{ unit, values }]));
}
