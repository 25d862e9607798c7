import type { ServiceConfig } from './schema.js';

/** Whether instances are units of systemd, which then has their processes and what keeps them apart. Pure. */
export function runsAsUnit<T extends Pick<ServiceConfig, 'isolation'>>(
  service: T,
): service is T & { readonly isolation: 'systemd' | 'socket-activation' } {
  return service.isolation === 'systemd' || service.isolation === 'socket-activation';
}
