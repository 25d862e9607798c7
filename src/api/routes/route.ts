/** One row of the API's table: everything about an endpoint in one place, so that no endpoint can forget its scope or its audit. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { InstanceKey } from '../../base/names.js';
import type { Identity, Peer } from '../auth.js';
import type { ApiDeps, ApiState } from '../deps.js';

/**
 * Who may call an endpoint. An admin may call all of them.
 * `tenant`: tenant tokens too, for what has their id; `create`: create tokens too, for what does not exist yet.
 */
export type Scope = 'public' | 'admin' | 'tenant' | 'create';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What the audit trail will say about the call. A handler refines it before it acts, so that a failure is told as exactly. */
export interface AuditNote {
  action: string;
  target: string;
  /** Never a secret: names of variables, not their values. */
  detail: string;
}

export interface Context<Q, B> {
  readonly deps: ApiState;
  readonly identity: Identity;
  /** Set for a tenant token: lists and streams show nothing but this id. */
  readonly tenant: string | undefined;
  readonly params: Readonly<Record<string, string>>;
  /** The parsed `:id`. Only for paths that have one. */
  readonly key: () => InstanceKey;
  readonly query: Q;
  readonly body: B;
  readonly audit: AuditNote;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

export type Answer =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'empty'; readonly status: number }
  | {
      readonly kind: 'bytes';
      readonly status: number;
      readonly headers: Record<string, string>;
      readonly body: string | Buffer;
    }
  /** The handler has written the response itself (streams). */
  | { readonly kind: 'handled' };

export function json(body: unknown, status = 200): Answer {
  return { kind: 'json', status, body };
}

export const noContent: Answer = { kind: 'empty', status: 204 };

interface RouteSpec<Q extends z.ZodType, B extends z.ZodType> {
  readonly method: Method;
  /** Segments of `:name` are parameters; `:id` is always an instance (`service:id`). */
  readonly path: string;
  readonly scope: Scope;
  readonly summary: string;
  /** Needed for a tenant-scoped path without `:id`: a promise that the handler heeds `ctx.tenant`. */
  readonly filtersByTenant?: boolean;
  /** Callers that need no token although the scope asks for one. */
  readonly openTo?: (deps: ApiDeps, peer: Peer) => boolean;
  /** Needed for all but GET: the action in the audit trail. */
  readonly action?: string;
  readonly query?: Q;
  readonly body?: B;
  readonly response?: z.ZodType;
  /** Default application/json. */
  readonly contentType?: string;
  /** Status when all is well, for the OpenAPI file; default 200. */
  readonly status?: number;
  readonly handler: (context: Context<z.output<Q>, z.output<B>>) => Answer | Promise<Answer>;
}

/** A row whose handler is handed what its own schemas have checked. */
export type Route = RouteSpec<z.ZodType, z.ZodType>;

/** @throws Error for a row that leaves a decision out: found by the first test or start, never by an attacker. */
export function route<Q extends z.ZodType = z.ZodType<undefined>, B extends z.ZodType = z.ZodType<undefined>>(
  spec: RouteSpec<Q, B>,
): Route {
  const name = `${spec.method} ${spec.path}`;
  if (spec.method !== 'GET' && spec.action === undefined) throw new Error(`${name}: no action for the audit`);
  if (spec.scope === 'tenant' && !spec.path.includes('/:id') && spec.filtersByTenant !== true) {
    throw new Error(`${name}: open to tenants, and neither about one instance nor filtered`);
  }
  // The server calls a handler only with values that passed this row's own schemas.
  return spec as unknown as Route;
}
