import { TenementError } from '../base/errors.js';
import { servicesHint } from '../base/nearest.js';
import type { Control } from '../supervisor/control.js';

/**
 * For `must_exist=1`. A service exists when the config has it or an instance of it is registered; for a tenant only what it has
 * an instance of does, so that the answer does not tell it of services that are others'.
 * @throws TenementError `not_found`
 */
export async function assertKnown(
  control: Pick<Control, 'exists' | 'services' | 'list'>,
  { service, id }: { readonly service?: string | undefined; readonly id?: string | undefined },
  tenant: string | undefined,
): Promise<void> {
  const shown = id ?? tenant;
  if (service !== undefined && shown !== undefined) {
    if (control.exists({ service, id: shown })) return;
    throw new TenementError('not_found', `There is no instance ${service}:${shown}`);
  }
  if (service !== undefined) {
    if (control.services().includes(service)) return;
    // Out of the config, but with instances that nobody has removed yet.
    if ((await control.list({ all: true })).some(({ key }) => key.service === service)) return;
    throw new TenementError('not_found', `There is no service ${service}`, {
      hint: servicesHint(service, control.services()),
    });
  }
  if (shown === undefined) return;
  if ((await control.list({ all: true })).some(({ key }) => key.id === shown)) return;
  throw new TenementError('not_found', `There is no instance with the id ${shown}`);
}

/** For who may know all services: that an instance is not found may be because its service is not. `target`: `notes:alice`, or `notes`. */
export function withServices(
  error: TenementError,
  target: string,
  control: Pick<Control, 'services'>,
): TenementError {
  const [service = ''] = target.split(':');
  const services = control.services();
  if (error.code !== 'not_found' || service === '' || services.includes(service)) return error;
  return new TenementError('not_found', error.message, {
    hint: servicesHint(service, services),
    details: error.details,
  });
}
