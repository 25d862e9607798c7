/** Pure: what a configuration asks of the unit that serves it. */
import { dirname, resolve } from 'node:path';
import type { Work } from '../../systemd/units/hardening.js';
import { controlSocketPath } from '../base/socket-path.js';
import { runsAsUnit } from '../config/runs-as-unit.js';
import type { Config } from '../config/schema.js';

/** Beyond the longest drain and stop of an instance. */
const STOP_EXTRA_SECS = 30;
const HOMES = ['/home/', '/root/', '/run/user/'];

/** `auto` has been decided. */
export function workOf({ service }: Config): Work {
  const all = Object.values(service);
  const builds = all.some(
    ({ isolation, network }) => ['namespace', 'sandbox', 'auto'].includes(isolation) || network === 'egress',
  );
  // A file without services will get some, and this is their default.
  if (builds || all.length === 0) return 'namespaces';
  return all.some(({ isolation }) => isolation === 'process') ? 'users' : 'manager';
}

/** What the server and its own children write, besides what all may. */
export function writesOf(config: Config, work: Work): string[] {
  const { data_dir, proxy } = config.settings;
  const log = proxy?.access_log ?? 'off';
  const socket = controlSocketPath(data_dir);
  const paths = new Set([data_dir]);
  if (log !== 'off' && log !== 'stdout') paths.add(dirname(resolve(dirname(config.path), log)));
  // A long data_dir: the socket is in a directory of its own, made when the server starts.
  if (!socket.startsWith(`${data_dir}/`)) paths.add(dirname(dirname(socket)));
  if (work !== 'manager') {
    for (const { isolation, workdir, read_write_paths = [] } of Object.values(config.service)) {
      for (const path of read_write_paths) paths.add(path);
      if (isolation === 'process' && isInHome(workdir)) paths.add(workdir);
    }
  }
  return [...paths];
}

/**
 * Whether networks are administered: instances in the machine's are kept from each other on loopback, which only the firewall can, and an own one
 * needs its loopback up. For a unit with an own one systemd does that.
 */
export function managesNetworks({ service }: Config): boolean {
  const all = Object.values(service);
  return (
    all.length === 0 ||
    all.some((one) => one.isolation !== 'process' && !(runsAsUnit(one) && one.network === 'none'))
  );
}

/** Whether an app without isolation runs as a user who may have files anywhere: one of its own has only its directories. */
export function hasOtherUsers({ service }: Config): boolean {
  return Object.values(service).some(({ isolation, user }) => isolation === 'process' && user !== 'auto');
}

/** Whether something that the server or its instances need is in somebody's home directory. `others`: absolute paths. */
export function needsHomes({ service }: Config, others: readonly string[]): boolean {
  const paths = Object.values(service).flatMap(
    ({ workdir, command, env_file = '', read_only_paths = [], read_write_paths = [] }) => [
      ...[workdir, env_file, ...read_only_paths, ...read_write_paths],
      ...command.split(/\s+/),
    ],
  );
  return [...paths, ...others].some(isInHome);
}

/** Whether an app has its files below /tmp, which an own /tmp of the service would hide. */
export function sharesTmp({ service }: Config): boolean {
  return Object.values(service).some(
    ({ workdir, command, env_file = '', read_only_paths = [], read_write_paths = [] }) =>
      [workdir, command, env_file, ...read_only_paths, ...read_write_paths].some(isInTmp),
  );
}

/** Seconds that a clean stop may take. */
export function stopSecs({ service }: Config): number {
  const longest = Object.values(service).map(
    ({ drain_timeout, stop_timeout }) => 2 * drain_timeout + stop_timeout,
  );
  return Math.ceil(Math.max(0, ...longest)) + STOP_EXTRA_SECS;
}

/** Of `settings.listen`, as ListenStream= wants it. */
export function streamOf(address: string): string {
  return address.startsWith('unix:') ? address.slice('unix:'.length) : address;
}

/** Which the service does not see without need (ProtectHome). */
export const isInHome = (path: string): boolean => HOMES.some((home) => `${path}/`.startsWith(home));

/** Which an own /tmp of the service hides. */
export const isInTmp = (path: string): boolean => /^\/(?:var\/)?tmp(?:\/|$)/.test(path);
