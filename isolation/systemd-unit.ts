/** The `systemd` backend: each instance is a transient service of the system's manager, which owns its processes, limits and hardening. */
import { TenementError } from '../src/base/errors.js';
import type { PropertyValues, SystemdManager } from '../systemd/manager.js';
import { unitName } from '../systemd/unit-name.js';
import { resolveSpec, withNetwork } from './contained.js';
import type { Adoption, Backend, Handle, Host, Ref, RefNetwork, Spec } from './contract.js';
import { createHandle } from './handle.js';
import { isSameProcess } from './life.js';
import { type PreparedNetwork, releaseNetwork, retakeNetwork } from './network/network.js';
import { readStat } from './proc.js';
import type { Tree } from './tree.js';
import {
  cgroupOf,
  hasOwnUser,
  identityOf,
  notKnown,
  prepareUnit,
  probeUnits,
  unitPropertiesOf,
  unprepared,
} from './unit/common.js';
import { unitFreezer, unitLife, unitTree } from './unit/life.js';
import { refuseUnheld } from './unit/limited.js';
import { isTaken, type Owner, ownerMark, runsAlready } from './unit/ownership.js';
import { placeOf, removePlace } from './unit/place.js';
import { exitOf, invocationOf, isOver } from './unit/state.js';
import { removeUser } from './unit/user.js';

/** `manager` connects when it is first used. `owner`: by it `ten uninstall` leaves alone what another server runs. */
export function createSystemdBackend(host: Host, manager: SystemdManager, owner: Owner): Backend {
  return {
    id: 'systemd',
    probe: () => probeUnits('systemd', host),
    spawn: (spec, signal) =>
      withNetwork(spec, host, (network) => start(spec, host, { manager, owner }, network, signal)),
    adopt: (ref) => adopt(ref, host, manager),
  };
}

async function start(
  spec: Spec,
  host: Host,
  { manager, owner }: { manager: SystemdManager; owner: Owner },
  prepared: Promise<PreparedNetwork>,
  signal: AbortSignal,
): Promise<Handle> {
  const identity = identityOf(spec);
  checkListening(spec);
  const resolved = await resolveSpec(spec, host);
  const unit = unitName(spec.service, spec.tenant);
  const place = placeOf(unit);
  await refuseOther(manager, unit);
  const properties = [...(await unitPropertiesOf(spec, host, place, resolved)), ownerMark(owner)];
  await prepareUnit(spec, host, place, resolved);
  const { net, ready } = await prepared;
  let isOurs = false;
  try {
    await ready;
    signal.throwIfAborted();
    isOurs = true;
    await manager.startTransient(unit, properties);
    signal.throwIfAborted();
    return await grip(spec, host, manager, unit, net);
  } catch (error) {
    // Of another server, which was faster: nothing of it is ours to tidy up.
    if (isTaken(error)) throw runsAlready(unit, { cause: error });
    const failure = isOurs ? await unprepared(manager, unit, error) : undefined;
    if (isOurs) {
      await manager.stop(unit).catch(() => undefined);
      await manager.forget(unit).catch(() => undefined);
    }
    await removePlace(place);
    if (hasOwnUser(identity, host)) await removeUser(identity);
    signal.throwIfAborted();
    throw failure ?? notKnown(error, host) ?? error;
  }
}

/** @throws TenementError `isolation_unavailable` */
function checkListening({ socket, forwardTo, network = 'host' }: Spec): void {
  const cannot = (what: string, hint: string) => new TenementError('isolation_unavailable', what, { hint });
  if (socket !== undefined && forwardTo === undefined) {
    throw cannot(
      'a unit cannot inherit a socket of the server',
      'Use `isolation = "socket-activation"`, or `listen = "unix"`.',
    );
  }
  if (forwardTo !== undefined) {
    throw cannot(
      `isolation = "systemd" with network = "${network}" reaches an app by a Unix socket only`,
      'Use `listen = "unix"`, or another isolation.',
    );
  }
  if (network === 'egress')
    throw cannot('isolation = "systemd" has no network "egress"', 'Use `isolation = "namespace"`.');
}

/** Never two processes on one database. @throws TenementError `unproven_process` */
async function refuseOther(manager: SystemdManager, unit: string): Promise<void> {
  const values = await manager.properties(unit, 'Service');
  if (values === undefined) return;
  if (isOver(values)) return manager.forget(unit);
  throw runsAlready(unit, {});
}

async function grip(
  spec: Spec,
  host: Host,
  manager: SystemdManager,
  unit: string,
  net: RefNetwork | undefined,
): Promise<Handle> {
  const values = await manager.properties(unit, 'Service');
  const pid = Number(values?.MainPID ?? 0) || Number(values?.ExecMainPID ?? 0);
  if (values === undefined || pid === 0) throw new TenementError('start_failed', `${unit} ended at once`);
  const ref: Ref = {
    version: 1,
    backend: 'systemd',
    run: spec.run,
    pid,
    startTime: readStat(pid)?.startTime ?? '',
    bootId: host.bootId,
    address: spec.address,
    cgroup: cgroupOf(host, String(values.ControlGroup ?? '')),
    uid: spec.identity?.uid,
    exclusive: spec.identity?.exclusive ?? false,
    unit: { name: unit, invocation: invocationOf(values) },
    ...(net && { net }),
    startedAt: Date.now(),
  };
  await refuseUnheld(spec, host, ref.cgroup);
  return handleOf(ref, host, manager, values, false);
}

function handleOf(
  ref: Ref,
  host: Host,
  manager: SystemdManager,
  values: PropertyValues,
  adopted: boolean,
): Handle {
  const unit = String(values.Id);
  // systemd offers it for every service, and refuses it where cgroup v2 is not the only one (systemd.unit(5) says nothing of that).
  const unified = host.systemd?.cgroups === '/sys/fs/cgroup';
  const freezer = values.CanFreeze === true && unified ? unitFreezer(manager, unit, adopted) : 'none';
  return createHandle(
    ref,
    host,
    unitLife(manager, { unit, pid: ref.pid, invocation: invocationOf(values) }, adopted),
    treeOfUnit(ref, host, manager, unit),
    freezer,
  );
}

function treeOfUnit(ref: Ref, host: Host, manager: SystemdManager, unit: string): Tree {
  const tree = unitTree(manager, unit, ref.unit?.invocation ?? '', ref.cgroup ?? '/nonexistent');
  return {
    ...tree,
    async cleanUp() {
      await tree.cleanUp();
      const { uid, exclusive } = ref;
      if (uid !== undefined && exclusive === true) await removeUser({ uid, gid: uid });
      await releaseNetwork(ref, host).catch(() => undefined);
    },
  };
}

async function adopt(ref: Ref, host: Host, manager: SystemdManager): Promise<Adoption> {
  // Transient units do not outlive the machine's run.
  if (ref.bootId !== host.bootId || ref.unit === undefined) return { kind: 'gone' };
  const { name, invocation } = ref.unit;
  // So that how it ends can be read, as after a start of our own.
  await manager.ref(name).catch(() => undefined);
  const values = await manager.properties(name, 'Service');
  if (values === undefined) {
    await treeOfUnit(ref, host, manager, name).cleanUp();
    return { kind: 'gone' };
  }
  if (invocationOf(values) !== invocation) return { kind: 'gone' };
  if (exitOf(values, Date.now()) === undefined) {
    // The invocation is proof enough; whoever changed what was saved gets nothing.
    if (!(await isSameProcess(ref))) return { kind: 'gone' };
    await retakeNetwork(ref, host).catch(() => undefined);
    return { kind: 'adopted', handle: handleOf(ref, host, manager, values, true) };
  }
  await treeOfUnit(ref, host, manager, name).cleanUp();
  return { kind: 'gone' };
}
