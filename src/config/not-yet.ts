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
export const THIS_VERSION: Readonly<Partial<Record<keyof ServiceConfig, readonly string[]>>> = {};

/** Features that a service asks for and this version has not. */
export function notYet(service: ServiceConfig): NotYet[] {
  const found: NotYet[] = [];
  for (const [key, values] of Object.entries(THIS_VERSION)) {
    const value = service[key as keyof typeof THIS_VERSION];
    if (value === undefined || values.includes(String(value))) continue;
    found.push({ key, feature: `${key} = "${value}"`, instead: `${key} = "${values.at(-1)}"` });
  }
  for (const [key, feature] of Object.entries(LATER)) {
    if (service[key as keyof typeof LATER] !== undefined) found.push({ key, feature });
  }
  return found;
}

/** Keys of a service that this version only accepts. */
export const LATER: Readonly<Partial<Record<keyof ServiceConfig, string>>> = {};

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
