import type { ErrorCode } from '../base/errors.js';
import { isName } from '../base/names.js';
import { authorityOf } from './host.js';
import type { Target } from './upstreams.js';

/** Where names lead. Plain data, built by the daemon from the config; names in it are lower case and without trailing dot. */
export interface RoutingTable {
  readonly domain: string;
  readonly services: ReadonlyMap<string, { readonly balance: boolean }>;
  /** [routing] default: the service behind the bare domain. */
  readonly default?: string | undefined;
  /** [routing] tenants: `{id}.{domain}` is an instance of this service. */
  readonly tenants?: string | undefined;
  /** [routing.subdomain]: label -> service. */
  readonly subdomain: ReadonlyMap<string, string>;
  /** [routing.path]: prefix -> service, in any order. */
  readonly path: readonly (readonly [prefix: string, service: string])[];
  /** Dashboard and API answer there only. */
  readonly adminHost?: string | undefined;
}

export interface RouteRequest {
  /** The values of all Host fields: two must be seen as two. */
  readonly hosts: readonly string[];
  /** The request target as received. */
  readonly target: string;
  /** 0 is HTTP/1.0. */
  readonly minor: 0 | 1;
  /** The connection comes from this machine, and not through a proxy on it. */
  readonly peerIsLoopback: boolean;
}

interface Located {
  /** What the app gets in its request line. */
  readonly path: string;
  /** Host as sent; undefined for HTTP/1.0 without one. */
  readonly rawHost: string | undefined;
}

export type Route =
  | (Located & { readonly kind: 'target'; readonly target: Target; readonly service: string })
  | (Located & { readonly kind: 'own' })
  | { readonly kind: 'error'; readonly code: ErrorCode };

type Place = { kind: 'target'; target: Target } | { kind: 'own' } | { kind: 'error'; code: ErrorCode };

/** Decides whom a request is for (product.md, Routing). Pure: looks nothing up but the table, creates nothing. */
export function route(request: RouteRequest, table: RoutingTable): Route {
  const authority = authorityOf(request.hosts, request.target, request.minor);
  if (authority === undefined) return { kind: 'error', code: 'bad_request' };
  const { host, rawHost, path } = authority;
  const place = locate(host?.name, host?.isIp ?? false, path, request.peerIsLoopback, table);
  if (place.kind === 'target') {
    const { target } = place;
    return { kind: 'target', target, service: target.service, path, rawHost };
  }
  return place.kind === 'own' ? { kind: 'own', path, rawHost } : place;
}

function locate(
  name: string | undefined,
  isIp: boolean,
  path: string,
  peerIsLoopback: boolean,
  table: RoutingTable,
): Place {
  const { domain } = table;
  // An admin_host that is the domain itself changes nothing.
  const adminHost = table.adminHost === domain ? undefined : table.adminHost;
  if (name !== undefined && name === adminHost) return { kind: 'own' };
  const isDomain =
    name === domain || (peerIsLoopback && (name === undefined || isIp || name === 'localhost'));
  if (isDomain) return atDomain(path, adminHost !== undefined, table);
  return name === undefined ? unknown() : elsewhere(name, table);
}

/** Where names that are not the domain's lead, by table. Bounded: names are a client's choice. */
const known = new WeakMap<RoutingTable, Map<string, Place>>();
const MOST_KNOWN = 2000;

function elsewhere(name: string, table: RoutingTable): Place {
  let places = known.get(table);
  if (places === undefined) {
    places = new Map();
    known.set(table, places);
  }
  let place = places.get(name);
  if (place === undefined) {
    const suffix = `.${table.domain}`;
    place = name.endsWith(suffix) ? below(name.slice(0, -suffix.length), table) : unknown();
    if (places.size >= MOST_KNOWN) places.clear();
    places.set(name, place);
  }
  return place;
}

function atDomain(path: string, ownElsewhere: boolean, table: RoutingTable): Place {
  const bare = path.split('?', 1)[0] ?? path;
  if (!ownElsewhere && isOwnPath(bare)) return { kind: 'own' };
  let best: readonly [string, string] | undefined;
  for (const entry of table.path) {
    if (isUnder(bare, entry[0]) && (best === undefined || entry[0].length > best[0].length)) best = entry;
  }
  const service = best?.[1] ?? table.default;
  if (service !== undefined) return toService(service, table);
  return ownElsewhere ? unknown() : { kind: 'own' };
}

/** `rest` is what stands before `.{domain}`: `alice.notes`, `notes`, `alice`. */
function below(rest: string, table: RoutingTable): Place {
  // What the operator wrote down by name wins over what follows from names.
  const routed = table.subdomain.get(rest);
  if (routed !== undefined) return toService(routed, table);
  const [first, second, ...more] = rest.split('.');
  if (first === undefined || more.length > 0) return unknown();
  if (second !== undefined) return toInstance(second, first, table);
  const own = table.services.get(first);
  if (own !== undefined) {
    return own.balance ? toService(first, table) : { kind: 'error', code: 'no_balance' };
  }
  return table.tenants === undefined ? unknown() : toInstance(table.tenants, first, table);
}

function toService(service: string, table: RoutingTable): Place {
  return table.services.has(service) ? { kind: 'target', target: { kind: 'service', service } } : unknown();
}

/** A label that can't be an id ends here, so that the supervisor never sees it. */
function toInstance(service: string, id: string, table: RoutingTable): Place {
  if (!table.services.has(service) || !isName(id)) return unknown();
  return { kind: 'target', target: { kind: 'instance', service, id } };
}

function unknown(): Place {
  return { kind: 'error', code: 'unknown_host' };
}

/** Ours at the bare domain: `/health`, `/metrics`, and all at or under `/assets` and `/api`. */
function isOwnPath(path: string): boolean {
  return path === '/health' || path === '/metrics' || isUnder(path, '/assets') || isUnder(path, '/api');
}

/** Whether `path` is `prefix` or below it, on a segment boundary: /shop takes /shop/x and not /shopping. */
function isUnder(path: string, prefix: string): boolean {
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  return path.startsWith(base) && (path.length === base.length || path[base.length] === '/');
}
