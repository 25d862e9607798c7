/** What the backends whose instances are units have in common. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TenementError } from '../../src/base/errors.js';
import { unknownProperty } from '../../systemd/known-properties.js';
import type { Property, SystemdManager } from '../../systemd/manager.js';
import type { Resolved } from '../contained.js';
import type { BackendId, Host, Identity, Spec, Support } from '../contract.js';
import { ownFiles } from '../root-plan.js';
import { systemView } from '../system-view.js';
import { environmentFile } from './env-file.js';
import { refuseUnlimited } from './limited.js';
import { makePlace, type Place } from './place.js';
import { unitProperties } from './properties.js';
import { refuseUnshowable } from './showable.js';
import { addUser } from './user.js';

export function probeUnits(id: BackendId, host: Host): Support {
  const refuse = (reason: string, remedy: string): Support => ({
    supported: false,
    code: 'isolation_unavailable',
    reason: `isolation = "${id}" does not work here: ${reason}`,
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
  if (host.systemd.away === true) {
    return {
      supported: false,
      code: 'systemd_away',
      reason: `systemd cannot be asked for now: ${host.systemd.reason}`,
      remedy: 'Start the message bus: `systemctl start dbus.socket`, and look at `systemctl status dbus`.',
    };
  }
  if (!host.systemd.works)
    return refuse(host.systemd.reason, 'Install dbus, and look at `systemctl status dbus`.');
  return { supported: true };
}

export function identityOf(spec: Spec): Identity {
  // resolveSpec refuses it with a hint; here it is only told to the compiler.
  if (spec.identity === undefined)
    throw new TenementError('isolation_unavailable', 'a unit needs a user of its own');
  return spec.identity;
}

/** A user with a name of its own may be in groups that the instance must not be in, which systemd would give to it. */
export function hasOwnUser(identity: Identity, host: Host): boolean {
  return identity.exclusive === true && host.systemd?.users?.works === true;
}

/** Files and user of an instance are made, for the unit that unitPropertiesOf describes. */
export async function prepareUnit(
  spec: Spec,
  host: Host,
  place: Place,
  { env, home }: Resolved,
): Promise<void> {
  const identity = identityOf(spec);
  const hosts = await readFile('/etc/hosts', 'utf8').catch(() => '');
  const files = ownFiles({ identity, home, unprivileged: false, hosts, hostname: undefined });
  await makePlace(place, environmentFile(env), await systemView(), files);
  if (hasOwnUser(identity, host)) await addUser(identity);
}

export async function unitPropertiesOf(
  spec: Spec,
  host: Host,
  place: Place,
  { env, command, views }: Resolved,
): Promise<Property[]> {
  const identity = identityOf(spec);
  refuseUnshowable(views, host.systemd?.version);
  await refuseUnlimited(spec, host);
  return unitProperties({
    service: spec.service,
    tenant: spec.tenant,
    command,
    setpriv: hasOwnUser(identity, host) ? undefined : (host.tools.setpriv ?? '/usr/bin/setpriv'),
    identity,
    directory: spec.directory,
    log: spec.log,
    root: place.root,
    environment: place.environment,
    variables: Object.keys(env),
    system: await systemView(),
    views,
    network: spec.network ?? 'host',
    stopMs: spec.stopMs ?? 0,
    limits: spec.limits ?? {},
    extra: spec.unitProperties ?? [],
    missing: host.systemd?.missing ?? [],
  });
}

export function cgroupOf(host: Host, group: string): string | undefined {
  return host.systemd?.cgroups === undefined || group === '' ? undefined : join(host.systemd.cgroups, group);
}

/** systemd takes no unit with a property that it does not know. */
export function notKnown(error: unknown, host: Host): TenementError | undefined {
  const name = unknownProperty(error);
  if (name === undefined) return undefined;
  const version = host.systemd?.version ?? 'of this machine';
  return new TenementError('start_failed', `systemd ${version} does not know the property ${name}`, {
    hint: 'Take the setting out of [service.NAME.systemd], or use a newer systemd.',
    cause: error,
  });
}

/** Why a start failed before it came to the app, if systemd knows that. `cause`: as what it has failed. */
export async function unprepared(
  manager: SystemdManager,
  unit: string,
  cause: unknown,
): Promise<TenementError | undefined> {
  const values = await manager.properties(unit, 'Service').catch(() => undefined);
  const status = Number(values?.ExecMainStatus ?? 0);
  // 200 to 245 are systemd's own (systemd.exec(5), "Process Exit Codes").
  if (values?.Result !== 'exit-code' || status < 200 || status > 245) return undefined;
  const message = `systemd could not prepare ${unit} (exit status ${status}, see systemd.exec(5))`;
  return new TenementError('start_failed', message, {
    hint: `\`journalctl -u '${unit}'\` says which step failed.`,
    cause,
  });
}
