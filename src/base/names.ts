import { TenementError } from './errors.js';

/** Names of services and ids (product.md, Names). Case matters: upper case is refused, not folded. */
const NAME = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;

/** Which instance: `service` is a key of [service.*], `id` the tenant's name. Written `service:id`. */
export interface InstanceKey {
  readonly service: string;
  readonly id: string;
}

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** `notes:alice`, the form that people type and that `id` has in the API. */
export function formatKey(key: InstanceKey): string {
  return `${key.service}:${key.id}`;
}

/**
 * Parses `notes:alice`.
 * @throws TenementError `invalid` naming the part that is wrong.
 */
export function parseKey(text: string): InstanceKey {
  const [service, id, ...rest] = text.split(':');
  if (service === undefined || id === undefined || rest.length > 0) {
    throw new TenementError(
      'invalid',
      `"${text}" is not an instance: it is written service:id, for example notes:alice`,
      {
        hint: '`ten ps -a` lists the instances that exist.',
      },
    );
  }
  assertName(service, 'service');
  assertName(id, 'id');
  return { service, id };
}

/** @throws TenementError `invalid` when `text` is not a name. `what` says what it names: "service", "id". */
export function assertName(text: string, what: string): void {
  if (isName(text)) return;
  throw new TenementError('invalid', `"${text}" is not a valid ${what}`, {
    hint: 'Names are 1 to 63 characters of a-z, 0-9, "-" and "_", and begin and end with a letter or a digit.',
  });
}
