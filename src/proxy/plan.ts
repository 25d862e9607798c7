import { TenementError } from '../base/errors.js';
import { isLoopback } from './client-address.js';
import type { Core } from './core.js';
import { Kind } from './http1/field-kind.js';
import { type FieldSection, fieldValue } from './http1/field-section.js';
import type { RequestHead } from './http1/request-head.js';
import { rewriteRequest } from './http1/rewrite-request.js';
import { ownLease } from './own-lease.js';
import { requestIdFor } from './request-id.js';
import { route } from './router.js';
import { asksToSwitch } from './upgrade-request.js';
import type { Lease, Target } from './upstreams.js';

/** What is decided about a request from its head alone. */
export interface Plan {
  /** It is answered with this error. */
  readonly refusal: TenementError | undefined;
  /** Whom it is for; undefined with a refusal, or when it is for the server itself. */
  readonly target: Target | undefined;
  readonly service: string | undefined;
  /** For requests to the server itself. */
  readonly ownLease: Lease | undefined;
  /** The head for the app. */
  readonly headText: string;
  readonly requestId: string;
  /** The client asks for another protocol, and may. */
  readonly upgrade: boolean;
  readonly maxBodyBytes: number | undefined;
  /** After a refusal the connection may go on. */
  readonly mayKeep: boolean;
}

/** Who asks. */
export interface Asker {
  readonly core: Core;
  /** Address of the peer. */
  readonly peer: string;
  readonly encrypted: boolean;
  readonly trusted: boolean;
}

/** Routes and checks a request. Waits for nothing, starts nothing. */
export function planFor(head: RequestHead, asker: Asker): Plan {
  const { core, peer } = asker;
  const { options } = core;
  const { fields } = head;
  const trusted = asker.trusted || core.trusted.includes(peer, options.trustedProxies());
  const requestId = requestIdFor(trusted ? fieldValue(fields, Kind.requestId) : undefined);
  const refuse = (error: TenementError, service?: string, mayKeep = true) => ({
    ...{ refusal: error, target: undefined, service, ownLease: undefined, headText: '', requestId },
    ...{ upgrade: asksToSwitch(head), maxBodyBytes: undefined, mayKeep },
  });
  if (core.closing) return refuse(new TenementError('shutting_down'), undefined, false);
  // We are no forward proxy, and what follows such a request is no HTTP.
  if (head.method === 'CONNECT' || (head.target === '*' && head.method !== 'OPTIONS')) {
    return refuse(new TenementError('bad_request'), undefined, false);
  }
  const local = isLoopback(peer) && !fields.has(Kind.forwarding);
  const hosts = hostsOf(fields);
  const routed = route(
    { hosts, target: head.target, minor: head.minor, peerIsLoopback: local },
    options.table(),
  );
  if (routed.kind === 'error') {
    return refuse(new TenementError(routed.code), undefined, routed.code !== 'bad_request');
  }
  const own = routed.kind === 'own';
  const service = own ? undefined : routed.service;
  const policy = service === undefined ? undefined : options.upstreams.policy(service);
  if (!own && policy === undefined) return refuse(new TenementError('unknown_host'));
  const most = policy?.maxBodyBytes;
  // By the announced length this needs no wake.
  if (most !== undefined && head.body.kind === 'length' && head.body.length > most) {
    return refuse(new TenementError('body_too_large'), service);
  }
  const upgrade = !own && asksToSwitch(head);
  const headText = rewriteRequest(head, {
    peerAddress: peer,
    secure: asker.encrypted,
    trusted,
    requestId,
    rawHost: routed.rawHost,
    path: routed.path,
    upgrade,
    internal: own ? `X-Tenement-Client: ${clientOf(peer, fields, trusted, local)}\r\n` : undefined,
  });
  return {
    refusal: undefined,
    target: own ? undefined : routed.target,
    service,
    ownLease: own ? ownLease(options.own()) : undefined,
    headText,
    requestId,
    upgrade,
    maxBodyBytes: most,
    mayKeep: true,
  };
}

function hostsOf(fields: FieldSection): string[] {
  const { kinds } = fields;
  const hosts: string[] = [];
  for (let i = 0; i < kinds.length; i += 1) if (kinds[i] === Kind.host) hosts.push(fields.value(i));
  return hosts;
}

/**
 * Who asks the server itself. Accident stopped: a reverse proxy on this machine makes every visitor look local, so who comes with
 * forwarding fields never has a loopback address here.
 */
function clientOf(peer: string, fields: FieldSection, trusted: boolean, local: boolean): string {
  const last = trusted ? lastHop(fields) : undefined;
  if (last !== undefined) return last;
  return local || !isLoopback(peer) ? peer : `behind ${peer}`;
}

/** The address that the trusted proxy itself saw. */
function lastHop({ kinds, names, values }: FieldSection): string | undefined {
  let hop: string | undefined;
  for (let i = 0; i < kinds.length; i += 1) {
    if (kinds[i] !== Kind.forwarding || (names[i] ?? '').toLowerCase() !== 'x-forwarded-for') continue;
    hop = values[i]?.split(',').at(-1)?.trim() ?? hop;
  }
  return hop === undefined || hop === '' || isLoopback(hop) ? undefined : hop;
}
