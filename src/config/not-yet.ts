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

/** Features that a service asks for and this version has not. */
export function notYet(service: ServiceConfig): NotYet[] {
  const found: NotYet[] = [];
  if (service.isolation !== 'process') {
    const feature = `isolation "${service.isolation}"${service.isolation === 'namespace' ? ' (the default)' : ''}`;
    found.push({ key: 'isolation', feature, instead: 'isolation = "process"' });
  }
  if (service.listen !== 'port') {
    found.push({ key: 'listen', feature: `listening by "${service.listen}"`, instead: 'listen = "port"' });
  }
  if (service.idle_action !== 'stop') {
    found.push({ key: 'idle_action', feature: 'freezing', instead: 'idle_action = "stop"' });
  }
  if (service.network !== 'host') {
    found.push({ key: 'network', feature: `the network "${service.network}"`, instead: 'network = "host"' });
  }
  for (const [key, feature] of Object.entries(LATER)) {
    if (service[key as keyof typeof LATER] !== undefined) found.push({ key, feature });
  }
  return found;
}

const LATER = {
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
  if (settings.proxy !== undefined) found.push({ key: 'proxy', feature: 'tuning of the proxy' });
  if (settings.listen?.some((address) => address.startsWith('unix:'))) {
    found.push({
      key: 'listen',
      feature: 'listening on a Unix socket',
      instead: 'listen = ["127.0.0.1:8080"]',
    });
  }
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
