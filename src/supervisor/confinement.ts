/** What an isolated instance may see and use, from its service's configuration. Pure. */
import { dirname, resolve } from 'node:path';
import type { Limits, Spec, VisibleFiles } from '../../isolation/contract.js';
import type { InstanceKey } from '../base/names.js';
import type { Config, ServiceConfig } from '../config/schema.js';
import { unitProperties } from '../config/unit-settings.js';
import { parseAddress } from '../config/values.js';

/** The longest label of a host name (RFC 1035, 2.3.4). */
const LONGEST_LABEL = 63;

export function isIsolated(service: Pick<ServiceConfig, 'isolation'>): boolean {
  return service.isolation !== 'process';
}

/** Whether instances have a network of their own, in which the machine's ports do not exist. */
export function hasOwnNetwork(service: Pick<ServiceConfig, 'isolation' | 'network'>): boolean {
  return isIsolated(service) && service.network !== 'host';
}

/** The part of a Spec that says how an instance is kept apart. `directories` are its own, `home` is in one of them. */
export function confinement(
  key: InstanceKey,
  config: Config,
  service: ServiceConfig,
  directories: readonly string[],
  home: string,
): Pick<Spec, 'files' | 'network' | 'limits' | 'hostname' | 'allowLocal' | 'sandbox' | 'unitProperties'> {
  const limits = limitsOf(service);
  if (!isIsolated(service)) return { limits };
  const files: VisibleFiles = {
    readOnly: service.read_only_paths ?? [],
    writable: [...directories, ...(service.read_write_paths ?? [])],
    hidden: hiddenPaths(config),
    home,
  };
  return {
    files,
    network: service.network,
    limits,
    hostname: hostnameOf(key),
    ...(service.sandbox !== undefined && { sandbox: service.sandbox }),
    ...(service.systemd !== undefined && { unitProperties: unitProperties(service.systemd) }),
    allowLocal: (service.allow_local ?? []).flatMap((text) => parseAddress(text) ?? []),
  };
}

/**
 * What is the server's and other services'. By default all of it lies in the working directory, which the instance sees, and where the server is not root
 * the modes of files keep an instance from nothing.
 */
function hiddenPaths({ path, settings, service }: Config): string[] {
  const log = settings.proxy?.access_log ?? 'off';
  return [
    settings.data_dir,
    path,
    ...Object.values(service).flatMap(({ env_file }) => env_file ?? []),
    ...(log === 'off' || log === 'stdout' ? [] : [resolve(dirname(path), log)]),
    // Who connects there is believed to be a web server in front.
    ...(settings.listen ?? []).flatMap((where) => (where.startsWith('unix:') ? where.slice(5) : [])),
  ];
}

function limitsOf(service: ServiceConfig): Limits {
  return {
    ...(service.memory_limit_mb !== undefined && { memoryBytes: service.memory_limit_mb * 1024 * 1024 }),
    ...(service.cpu_shares !== undefined && { cpuWeight: service.cpu_shares }),
    ...(service.cpu_limit !== undefined && { cpuQuota: service.cpu_limit }),
    ...(service.pids_limit !== undefined && { pids: service.pids_limit }),
  };
}

function hostnameOf({ service, id }: InstanceKey): string {
  return `${id}-${service}`.replaceAll('_', '-').slice(0, LONGEST_LABEL).replace(/-+$/, '');
}
