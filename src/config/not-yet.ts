/**
 * What this version accepts in the file but can't do. It is refused when the server starts with it, so that a file for a later version can be
 * checked, and nothing is ever silently ignored. Pure.
 */
import { TenementError } from '../base/errors.js';
import type { Settings } from './schema.js';

export interface NotYet {
  /** As written in the file: `tls.enabled`. */
  readonly key: string;
  readonly feature: string;
  /** What to write instead; without it: leave the key out. */
  readonly instead?: string;
}

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
