import { TenementError } from '../../base/errors.js';
import type { TokenRow, TokenScope } from '../../state/types.js';
import { tokenActor } from '../auth.js';
import type { TokenInfo } from '../protocol-admin.js';
import { AuditList, AuditQuery, TokenCreated, TokenCreateRequest, TokenList } from '../protocol-admin.js';
import { json, noContent, type Route, route } from './route.js';

export const tokenRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/api/tokens',
    scope: 'admin',
    summary: 'Make a token; it is shown this once',
    action: 'token.create',
    body: TokenCreateRequest,
    response: TokenCreated,
    status: 201,
    handler({ deps, body, audit }) {
      const scope: TokenScope =
        body.tenant !== undefined
          ? { kind: 'tenant', tenant: body.tenant }
          : { kind: body.scope === 'create' ? 'create' : 'admin' };
      audit.detail = scope.kind === 'tenant' ? `tenant ${scope.tenant}` : scope.kind;
      const { token, row } = deps.store.tokens.create(scope, body.description, deps.clock.now());
      audit.target = `token:${row.prefix}`;
      return json({ ...toInfo(row), token }, 201);
    },
  }),
  route({
    method: 'GET',
    path: '/api/tokens',
    scope: 'admin',
    summary: 'All tokens, without their secret part',
    response: TokenList,
    handler: ({ deps }) => json(deps.store.tokens.list().map(toInfo)),
  }),
  route({
    method: 'DELETE',
    path: '/api/tokens/:prefix',
    scope: 'admin',
    summary: 'Revoke a token; streams opened with it end',
    action: 'token.revoke',
    status: 204,
    handler({ deps, params, audit }) {
      const prefix = params.prefix ?? '';
      // Cut: a person may paste the whole token here, and the trail must not keep its secret part.
      audit.target = `token:${prefix.slice(0, 12)}`;
      if (!deps.store.tokens.revoke(prefix)) {
        throw new TenementError('not_found', 'There is no token with that prefix', {
          hint: '`ten token ls` lists the prefixes.',
        });
      }
      deps.streams.endOf(tokenActor(prefix));
      return noContent;
    },
  }),
  route({
    method: 'GET',
    path: '/api/audit',
    scope: 'admin',
    summary: 'Who changed what, newest first',
    query: AuditQuery,
    response: AuditList,
    handler({ deps, query }) {
      const rows = deps.store.audit.list({
        limit: query.limit,
        ...(query.target === undefined ? {} : { target: query.target }),
      });
      return json(rows.map(({ at, ...row }) => ({ timestamp: new Date(at).toISOString(), ...row })));
    },
  }),
];

function toInfo(row: TokenRow): TokenInfo {
  return {
    prefix: row.prefix,
    scope: row.scope.kind,
    tenant: row.scope.kind === 'tenant' ? row.scope.tenant : null,
    description: row.description,
    created_at: new Date(row.createdAt).toISOString(),
    last_used_at: row.lastUsedAt === undefined ? null : new Date(row.lastUsedAt).toISOString(),
  };
}
