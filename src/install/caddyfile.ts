/** A Caddyfile that puts HTTPS in front. Pure. */

import { comment, MARKER } from '../../systemd/units/marker.js';
import { TenementError } from '../base/errors.js';
import type { InstanceKey } from '../base/names.js';
import type { Config } from '../config/schema.js';
import { seal } from './seal.js';

const PROVIDER = /^[a-z][a-z0-9_-]*$/;

export interface CaddySite {
  readonly domain: string;
  /** `127.0.0.1:8080`, `unix:/path`. */
  readonly upstream: string;
  /** Name of a module of Caddy's for the DNS challenge, which wildcards need. */
  readonly dnsProvider: string | undefined;
  /** `routing.tenants`: its instances are at `{id}.{domain}`. */
  readonly tenants: string | undefined;
  readonly services: readonly string[];
  /** Those that are listed in the configuration. */
  readonly instances: readonly InstanceKey[];
  readonly adminHost: string | undefined;
}

/** Sealed: it says whether it was changed since. `marker`: which command writes it. */
export function caddyfile(site: CaddySite, marker = MARKER): string {
  return seal([marker, ...plain(site)].join('\n'));
}

/** @throws TenementError `usage`: it becomes a word of a Caddyfile */
export function checkDnsProvider(name: string): void {
  if (PROVIDER.test(name)) return;
  throw new TenementError('usage', `"${name}" is not the name of a DNS provider's module`, {
    hint: 'such as cloudflare, hetzner, route53',
  });
}

/** A certificate covers one level: `*.example.com` is not `alice.notes.example.com`. */
function plain({
  domain,
  upstream,
  dnsProvider,
  tenants,
  services,
  instances,
  adminHost,
}: CaddySite): string[] {
  const wildcards = [
    `*.${domain}`,
    ...services.filter((name) => name !== tenants).map((name) => `*.${name}.${domain}`),
  ];
  const covered = adminHost === undefined || wildcards.includes(adminHost.replace(/^[^.]*/, '*'));
  const names = [domain, ...wildcards, ...(covered ? [] : [adminHost])];
  const proxy = [`\treverse_proxy ${upstreamOf(upstream)} {`, '\t\tflush_interval -1', '\t}'];
  const head = comment(`HTTPS for ${domain}. Caddy keeps Host, sets X-Forwarded-* and carries WebSockets.`);
  if (domain === 'localhost') {
    const lines = ['localhost, *.localhost {', '\ttls internal', ...proxy, '}', ''];
    return [...head, ...comment('Certificates of a local authority: for trying out.'), ...lines];
  }
  if (dnsProvider !== undefined) {
    return [
      ...head,
      ...comment(
        `Wildcard certificates by the DNS challenge: needs a Caddy with the module dns.providers.${dnsProvider}, and its token in the environment of caddy.service as DNS_API_TOKEN.`,
      ),
      `${names.join(', ')} {`,
      '\ttls {',
      `\t\tdns ${dnsProvider} {env.DNS_API_TOKEN}`,
      '\t}',
      ...proxy,
      '}',
      '',
    ];
  }
  const single = [
    domain,
    ...instances.map(({ service, id }) => `${service === tenants ? id : `${id}.${service}`}.${domain}`),
  ];
  return [
    ...head,
    ...comment(
      'One certificate for each name that stands here: a customer who comes later has none. For those it takes wildcards: `ten caddy --dns-provider NAME`.',
    ),
    `${[...new Set([...single, ...(adminHost === undefined ? [] : [adminHost])])].join(', ')} {`,
    ...proxy,
    '}',
    '',
  ];
}

function upstreamOf(upstream: string): string {
  if (upstream.startsWith('unix:')) return `unix/${upstream.slice('unix:'.length)}`;
  // All addresses are not one that can be called.
  return upstream.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}

/** What a configuration says of it. */
export function siteOf(
  { routing, service, instances, settings }: Config,
  { domain, upstream, dnsProvider }: Pick<CaddySite, 'domain' | 'upstream' | 'dnsProvider'>,
): CaddySite {
  return {
    domain,
    upstream,
    dnsProvider,
    tenants: routing.tenants,
    services: Object.keys(service),
    instances: Object.entries(instances).flatMap(([name, ids]) => ids.map((id) => ({ service: name, id }))),
    adminHost: settings.admin_host,
  };
}
