/** The `systemd` backend: each instance is a transient service of the system's manager, which owns its processes, limits and hardening. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TenementError } from '../src/base/errors.js';
import { unknownProperty } from '../systemd/known-properties.js';
import type { PropertyValues, SystemdManager } from '../systemd/manager.js';
import { unitName } from '../systemd/unit-name.js';
import { resolveSpec, withNetwork } from './contained.js';
import type {
  Adoption,
  Backend,
  Handle,
  Host,
  Identity,
  Ref,
  RefNetwork,
  Spec,
  Support,
} from './contract.js';
import { createHandle } from './handle.js';
import { isSameProcess } from './life.js';
import { type PreparedNetwork, releaseNetwork, retakeNetwork } from './network/network.js';
import { readStat } from './proc.js';
import { ownFiles } from './root-plan.js';
import { systemView } from './system-view.js';
import type { Tree } from './tree.js';
import { environmentFile } from './unit/env-file.js';
import { unitFreezer, unitLife, unitTree } from './unit/life.js';
import { makePlace, placeOf, removePlace } from './unit/place.js';
import { unitProperties } from './unit/properties.js';
import { exitOf, invocationOf, isOver } from './unit/state.js';
import { addUser, removeUser } from './unit/user.js';

/** `manager` connects when it is first used. */
export function createSystemdBackend(host: Host, manager: SystemdManager): Backend {
  return {
    id: 'systemd',
    probe: () => probe(host),
    spawn: (spec, signal) =>
      withNetwork(spec, host, (network) => start(spec, host, manager, network, signal)),
    adopt: (ref) => adopt(ref, host, manager),
  };
}

function probe(host: Host): Support {
  const refuse = (reason: string, remedy: string): Support => ({
    supported: false,
    code: 'isolation_unavailable',
    reason: `isolation = "systemd" does not work here: ${reason}`,
    remedy,
  });
  if (host.systemd === undefined) {
    return refuse('systemd is not the init of this machine', 'Use `isolation = "namespace"` or "sandbox".');
  }
  if (!host.root) {
    return refuse(
      'only root may start units of the system',
      'Run the server as root (`ten install` sets that up), or use `isolation = "namespace"`.',
    );
  }
  if (!host.systemd.works)
    return refuse(host.systemd.reason, 'Install dbus, and look at `systemctl status dbus`.');
  return { supported: true };
}

async function start(
  spec: Spec,
  host: Host,
  manager: SystemdManager,
  prepared: Promise<PreparedNetwork>,
  signal: AbortSignal,
): Promise<Handle> {
  const identity = identityOf(spec);
  checkListening(spec);
  const resolved = await resolveSpec(spec, host);
  const system = await systemView();
  const unit = unitName(spec.service, spec.tenant);
  const place = placeOf(unit);
  await refuseOther(manager, unit);
  const hosts = await readFile('/etc/hosts', 'utf8').catch(() => '');
  const files = ownFiles({ identity, home: resolved.home, unprivileged: false, hosts, hostname: undefined });
  await makePlace(place, environmentFile(resolved.env), system, files);
  const known = hasOwnUser(identity, host);
  if (known) await addUser(identity);
  const { net } = await prepared;
  try {
    signal.throwIfAborted();
    await manager.startTransient(
      unit,
      unitProperties({
        service: spec.service,
        tenant: spec.tenant,
        command: resolved.command,
        setpriv: known ? undefined : (host.tools.setpriv ?? '/usr/bin/setpriv'),
        identity,
        directory: spec.directory,
        log: spec.log,
        root: place.root,
        environment: place.environment,
        variables: Object.keys(resolved.env),
        system,
        views: resolved.views,
        network: spec.network ?? 'host',
        limits: spec.limits ?? {},
        extra: spec.unitProperties ?? [],
        missing: host.systemd?.missing ?? [],
      }),
    );
    signal.throwIfAborted();
    return await grip(spec, host, manager, unit, net);
  } catch (error) {
    const why = await describeFailure(manager, unit);
    await manager.stop(unit).catch(() => undefined);
    await manager.forget(unit).catch(() => undefined);
    await removePlace(place);
    if (known) await removeUser(identity);
    signal.throwIfAborted();
    if (why !== undefined) throw new TenementError('start_failed', why, { cause: error });
    throw notKnown(error, host) ?? error;
  }
}

/** A user with a name of its own may be in groups that the instance must not be in, which systemd would give to it. */
function hasOwnUser(identity: Identity, host: Host): boolean {
  return identity.exclusive === true && host.systemd?.users?.works === true;
}

function identityOf(spec: Spec): Identity {
  // resolveSpec refuses it with a hint; here it is only told to the compiler.
  if (spec.identity === undefined)
    throw new TenementError('isolation_unavailable', 'a unit needs a user of its own');
  return spec.identity;
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
  throw new TenementError('unproven_process', `the unit ${unit} runs already`, {
    hint: `If it is an earlier run of the same instance: systemctl stop '${unit}'.`,
  });
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
    unitLife(manager, unit, adopted),
    treeOfUnit(ref, host, manager, unit),
    freezer,
  );
}

function treeOfUnit(ref: Ref, host: Host, manager: SystemdManager, unit: string): Tree {
  const tree = unitTree(manager, unit, ref.cgroup ?? '/nonexistent');
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

function cgroupOf(host: Host, group: string): string | undefined {
  return host.systemd?.cgroups === undefined || group === '' ? undefined : join(host.systemd.cgroups, group);
}

async function adopt(ref: Ref, host: Host, manager: SystemdManager): Promise<Adoption> {
  // Transient units do not outlive the machine's run.
  if (ref.bootId !== host.bootId || ref.unit === undefined) return { kind: 'gone' };
  const { name, invocation } = ref.unit;
  // So that how it ends can be read, as after a start of our own.
  await manager.ref(name).catch(() => undefined);
  const values = await manager.properties(name, 'Service');
  if (values === undefined || invocationOf(values) !== invocation) return { kind: 'gone' };
  if (exitOf(values, Date.now()) === undefined) {
    // The invocation is proof enough; whoever changed what was saved gets nothing.
    if (!(await isSameProcess(ref))) return { kind: 'gone' };
    await retakeNetwork(ref, host).catch(() => undefined);
    return { kind: 'adopted', handle: handleOf(ref, host, manager, values, true) };
  }
  await treeOfUnit(ref, host, manager, name).cleanUp();
  return { kind: 'gone' };
}

/** systemd takes no unit with a property that it does not know. */
function notKnown(error: unknown, host: Host): TenementError | undefined {
  const name = unknownProperty(error);
  if (name === undefined) return undefined;
  const version = host.systemd?.version ?? 'of this machine';
  return new TenementError('start_failed', `systemd ${version} does not know the property ${name}`, {
    hint: 'Take the setting out of [service.NAME.systemd], or use a newer systemd.',
    cause: error,
  });
}

/** What systemd knows of a start that failed. */
async function describeFailure(manager: SystemdManager, unit: string): Promise<string | undefined> {
  const values = await manager.properties(unit, 'Service').catch(() => undefined);
  const status = Number(values?.ExecMainStatus ?? 0);
  // 200 to 245 are systemd's own (systemd.exec(5), "Process Exit Codes").
  if (values?.Result !== 'exit-code' || status < 200 || status > 245) return undefined;
  return `systemd could not prepare ${unit} (exit status ${status}, see systemd.exec(5)); \`journalctl -u '${unit}'\` says which step failed`;
}
