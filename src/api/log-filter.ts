import { TenementError } from '../base/errors.js';
import { assertName, parseKey } from '../base/names.js';
import { parseDuration } from '../base/units.js';
import type { LogFilter } from '../logs/types.js';

interface Asked {
  readonly service?: string | undefined;
  readonly process?: string | undefined;
  readonly id?: string | undefined;
  readonly level?: LogFilter['stream'] | undefined;
  readonly stream?: LogFilter['stream'] | undefined;
  readonly search?: string | undefined;
  readonly since?: string | undefined;
}

/**
 * The filter of a log query. A tenant sees only its own id, whatever it asks for.
 * @throws TenementError `invalid` when two words for one thing differ, `forbidden` when a tenant asks for another's id
 */
export function toLogFilter(asked: Asked, tenant: string | undefined, now: number): LogFilter {
  // `id` is alice, or notes:alice.
  const key = asked.id?.includes(':') ? parseKey(asked.id) : undefined;
  if (asked.id !== undefined && key === undefined) assertName(asked.id, 'id');
  const service = same('service', asked.service, asked.process, key?.service);
  const stream = same('level', asked.level, asked.stream);
  const id = key?.id ?? asked.id;
  if (tenant !== undefined && id !== undefined && id !== tenant) {
    throw new TenementError('forbidden', `This token is for instances of "${tenant}" only`);
  }
  const shown = tenant ?? id;
  return {
    ...(service === undefined ? {} : { service }),
    ...(shown === undefined ? {} : { id: shown }),
    ...(stream === undefined ? {} : { stream }),
    ...(asked.search === undefined || asked.search === '' ? {} : { search: asked.search }),
    ...(asked.since === undefined ? {} : { since: sinceMs(asked.since, now) }),
  };
}

/** Milliseconds since the epoch. A duration counts back from `now`. */
function sinceMs(text: string, now: number): number {
  const seconds = parseDuration(text);
  return seconds === undefined ? Date.parse(text) : now - seconds * 1000;
}

function same<T extends string>(what: string, ...values: (T | undefined)[]): T | undefined {
  const given = [...new Set(values.filter((value) => value !== undefined))];
  if (given.length > 1) throw new TenementError('invalid', `${what} is given twice: ${given.join(' and ')}`);
  return given[0];
}
