/** Which data an instance has, by the config in force and by what is recorded, and what becomes of it when the instance goes. */
import { join, relative } from 'node:path';
import type { Identity } from '../../isolation/contract.js';
import { TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { claims, type DataPath, instancePaths, mayShare, withCompanions } from '../config/data-paths.js';
import type { Config } from '../config/schema.js';
import type { Registry } from '../state/types.js';
import type { DataFate } from './control.js';
import { hasData, prepareInstance, purge, trash } from './directories.js';

export interface DataDeps {
  readonly config: () => Config;
  readonly registry: Registry;
}

/** Notes what a newly registered instance owns: also what it takes over and has never been started with. */
export function recordData({ config, registry }: DataDeps, key: InstanceKey): void {
  for (const path of instancePaths(config(), key.service, key.id)) registry.recordDataPath(key, path);
}

/**
 * Creates what an instance owns and gives it to `identity`, or back to the server's own user when that is undefined. Only while nothing
 * of the instance runs. Returns files that were left as they are (directories.ts).
 * @throws TenementError conflict
 */
export async function giveData(
  deps: DataDeps,
  key: InstanceKey,
  identity: Identity | undefined,
): Promise<string[]> {
  const { config, registry } = deps;
  const { data_dir } = config().settings;
  const uid = identity?.uid ?? process.geteuid?.();
  const recorded = new Map(registry.dataPaths(key).map((row) => [row.path, row]));
  const paths = instancePaths(config(), key.service, key.id);
  for (const path of paths) {
    if (recorded.has(path.path)) continue;
    const whose = await givenToOthers(deps, key, path);
    if (whose !== undefined) throw foreign(key, path, whose);
  }
  // Before: should we die in between, what is there has an owner by the record.
  for (const path of paths) if (!recorded.has(path.path)) registry.recordDataPath(key, path);
  const skipped = await prepareInstance(
    paths.map((path) => ({
      kind: path.kind,
      path: join(data_dir, path.path),
      owner: recorded.get(path.path)?.uid,
    })),
    data_dir,
    identity,
  );
  for (const path of paths) {
    if (recorded.get(path.path)?.uid !== uid) registry.recordDataPath(key, path, uid);
  }
  return skipped;
}

/** Absolute paths of the directories that an instance owns by the config in force. */
export function ownDirectories({ config }: DataDeps, key: InstanceKey): string[] {
  const { data_dir } = config().settings;
  return instancePaths(config(), key.service, key.id)
    .filter(({ kind }) => kind === 'directory')
    .map(({ path }) => join(data_dir, path));
}

/**
 * What an instance that is to be registered would find of an earlier one. What a registered one shares with it is no old data.
 * @throws TenementError old_data; conflict when it is another instance's, which had it by an earlier config
 */
export async function refuseOldData(
  deps: DataDeps,
  key: InstanceKey,
  options: { adopt: boolean },
): Promise<void> {
  const { data_dir } = deps.config().settings;
  const found: string[] = [];
  for (const path of instancePaths(deps.config(), key.service, key.id)) {
    const whose = await givenToOthers(deps, key, path);
    // Data of a service that is gone for good may be taken over by whoever says so: the service may have got a new name.
    const orphaned = whose !== undefined && deps.config().service[whose.service] === undefined;
    if (whose !== undefined && !(orphaned && options.adopt)) throw foreign(key, path, whose);
    const mayBeOld = sharers(deps, key, path).length === 0;
    const places = withCompanions(path).map((one) => join(data_dir, one));
    if (mayBeOld && !options.adopt && (await hasData(places))) found.push(join(data_dir, path.path));
  }
  if (found.length === 0) return;
  throw new TenementError(
    'old_data',
    `${formatKey(key)} is new, but ${found.join(' and ')} ${found.length === 1 ? 'is' : 'are'} of an earlier instance`,
    { hint: `\`ten spawn ${formatKey(key)} --adopt-data\` takes them over; or move them away.` },
  );
}

/**
 * Moves all that the instance has or had to the trash, or deletes it. What another registered instance also has, had or lies in is left:
 * one customer's removal never takes another one's data. Only while nothing of the instance runs. `now` is in milliseconds since the epoch.
 */
export async function removeData(
  deps: DataDeps,
  key: InstanceKey,
  how: 'trash' | 'purge',
  now: number,
): Promise<DataFate> {
  const { registry } = deps;
  const { data_dir } = deps.config().settings;
  const kept: { path: string; sharedWith: string[] }[] = [];
  const going: string[] = [];
  for (const path of allPaths(deps, key)) {
    const others = sharers(deps, key, path);
    if (others.length > 0) kept.push({ path: join(data_dir, path.path), sharedWith: others });
    else going.push(...withCompanions(path));
  }
  const places = going.map((path) => join(data_dir, path));
  const place = how === 'trash' ? await trash(places, data_dir, key, now) : undefined;
  if (place !== undefined) {
    registry.recordDataPath(key, { path: relative(data_dir, place), kind: 'trash' });
  }
  const deleted = how === 'purge' ? await purge(places, data_dir) : [];
  for (const path of going) registry.forgetDataPath(path);
  return { trash: place, deleted, kept };
}

/** Lets the instance's uid go, once nothing that belongs to it is left anywhere: whoever gets it next could read it. */
export async function releaseUid(deps: DataDeps, key: InstanceKey): Promise<void> {
  const { registry } = deps;
  const { data_dir } = deps.config().settings;
  for (const { kind, path } of registry.dataPaths(key)) {
    if (kind === 'trash' && !(await hasData([join(data_dir, path)]))) registry.forgetDataPath(path);
  }
  if (registry.dataPaths(key).length === 0) registry.releaseUid(key);
}

/** By record and by config; what lies inside another one is left out. */
function allPaths({ config, registry }: DataDeps, key: InstanceKey): DataPath[] {
  const all = new Map<string, DataPath>();
  for (const path of instancePaths(config(), key.service, key.id)) all.set(path.path, path);
  for (const { kind, path } of registry.dataPaths(key)) {
    if (kind !== 'trash' && all.get(path)?.kind !== 'directory') all.set(path, { kind, path });
  }
  return [...all.values()].filter(
    ({ path }) => ![...all.keys()].some((other) => path.startsWith(`${other}/`)),
  );
}

/** Other registered instances that own, by record or by config, what equals, contains or lies in the path. */
export function sharers({ config, registry }: DataDeps, key: InstanceKey, path: DataPath): string[] {
  const others = withCompanions(path).flatMap((one) => registry.dataPathOwners(one));
  for (const { service, id } of claims(config(), path)) {
    if (id === undefined) others.push(...registry.all().filter((row) => row.service === service));
    else if (registry.get({ service, id }) !== undefined) others.push({ service, id });
  }
  return [...new Set(others.map(formatKey))].filter((name) => name !== formatKey(key)).sort();
}

/** Another registered instance whose data is there by the record, though by the config the two do not share it. */
async function givenToOthers(
  { config, registry }: DataDeps,
  key: InstanceKey,
  path: DataPath,
): Promise<InstanceKey | undefined> {
  const sharing = new Set([formatKey(key)]);
  for (const { service, id, same } of claims(config(), path)) {
    if (same && id === key.id && mayShare(config(), key.service, service))
      sharing.add(formatKey({ service, id }));
  }
  const whose = registry.dataPathOwners(path.path).find((other) => !sharing.has(formatKey(other)));
  if (whose === undefined) return undefined;
  const places = withCompanions(path).map((one) => join(config().settings.data_dir, one));
  return (await hasData(places)) ? whose : undefined;
}

function foreign(key: InstanceKey, path: DataPath, whose: InstanceKey): TenementError {
  return new TenementError(
    'conflict',
    `${formatKey(key)} would get {data_dir}/${path.path}, where data of ${formatKey(whose)} is`,
    {
      hint: `Move that data to where the config has it for ${formatKey(whose)} now, or remove that instance with \`ten rm\`.`,
    },
  );
}
