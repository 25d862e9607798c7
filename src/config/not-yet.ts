/**
 * What this version accepts in the file but can't do. It is refused when it is used (start of an instance, start of the server),
 * so that a file for a later version can be checked, and nothing is ever silently ignored. Pure.
 */
import { TenementError } from '../base/errors.js';
import type { ServiceConfig, Settings } from './schema.js';

export interface NotYet {
  /** As written in the file: `memory_limit_mb`, `tls.enabled`. */
  readonly key: string;
  readonly feature: string;
  /** What to write instead; without it: leave the key out. */
  readonly instead?: string;
}

/** What this version can do of the keys that choose between several ways; the reference page says so too. */
export const THIS_VERSION = {
  isolation: 'process',
  listen: 'port',
  idle_action: 'stop',
  network: 'host',
} as const satisfies Partial<Record<keyof ServiceConfig, string>>;

/** Features that a service asks for and this version has not. */
export function notYet(service: ServiceConfig): NotYet[] {
  const found: NotYet[] = [];
  if (service.isolation !== THIS_VERSION.isolation) {
    const feature = `isolation "${service.isolation}"${service.isolation === 'namespace' ? ' (the default)' : ''}`;
    found.push({ key: 'isolation', feature, instead: write('isolation') });
  }
  if (service.listen !== THIS_VERSION.listen) {
    found.push({ key: 'listen', feature: `listening by "${service.listen}"`, instead: write('listen') });
  }
  if (service.idle_action !== THIS_VERSION.idle_action) {
    found.push({ key: 'idle_action', feature: 'freezing', instead: write('idle_action') });
  }
  if (service.network !== THIS_VERSION.network) {
    found.push({ key: 'network', feature: `the network "${service.network}"`, instead: write('network') });
  }
  for (const [key, feature] of Object.entries(LATER)) {
    if (service[key as keyof typeof LATER] !== undefined) found.push({ key, feature });
  }
  return found;
}

function write(key: keyof typeof THIS_VERSION): string {
  return `${key} = "${THIS_VERSION[key]}"`;
}

/** Keys of a service that this version only accepts. */
export const LATER = {
  memory_limit_mb: 'a memory limit',
  cpu_shares: 'a processor weight',
  cpu_limit: 'a processor limit',
  pids_limit: 'a limit on processes',
  freeze_timeout: 'freezing',
  allow_local: 'a closed loopback',
  read_only_paths: 'a private file system',
  read_write_paths: 'a private file system',
  sandbox: 'a sandbox',
  systemd: 'systemd units',
} as const satisfies Partial<Record<keyof ServiceConfig, string>>;

/** Features that `[settings]` asks for and this version has not; the server refuses to start with them. */
export function notYetSettings(settings: Settings): NotYet[] {
  const found: NotYet[] = [];
  if (settings.tls?.enabled) found.push({ key: 'tls.enabled', feature: 'HTTPS', instead: 'enabled = false' });
  return found;
}

/** `where`: the service's name, or undefined for [settings]. */
export function notYetError(where: string | undefined, items: readonly NotYet[]): TenementError {
  const table = where === undefined ? '[settings]' : `The service "${where}"`;
  const features = items.map(({ key, feature }) => `${feature} (\`${key}\`)`).join(', ');
  const write = items.flatMap(({ instead }) => (instead === undefined ? [] : [`\`${instead}\``]));
  const leaveOut = items.flatMap(({ key, instead }) => (instead === undefined ? [`\`${key}\``] : []));
  const hints = [
    ...(write.length > 0 ? [`Write ${write.join(', ')}`] : []),
    ...(leaveOut.length > 0
      ? [`${write.length > 0 ? 'leave out' : 'Leave out'} ${leaveOut.join(', ')}`]
      : []),
  ];
  return new TenementError('not_yet', `${table} asks for what this version does not have yet: ${features}`, {
    hint: `${hints.join(' and ')} in tenement.toml.`,
    details: { keys: items.map(({ key }) => key) },
  });
}
