/** From config to what the proxy's router reads. Pure. */
import type { Config } from './config/schema.js';
import type { RoutingTable } from './proxy/router.js';

export function routingTable(config: Config, domain: string): RoutingTable {
  const { routing, settings, service } = config;
  return {
    domain,
    services: new Map(Object.entries(service).map(([name, { balance }]) => [name, { balance }])),
    default: routing.default,
    tenants: routing.tenants,
    subdomain: new Map(Object.entries(routing.subdomain)),
    path: Object.entries(routing.path),
    adminHost: settings.admin_host,
  };
}
