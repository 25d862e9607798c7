import type { InstanceKey } from '../../base/names.js';
import { formatKey } from '../../base/names.js';
import { check } from '../body.js';
import type { ApiDeps } from '../deps.js';
import { EnvNameParam, EnvNameToSetParam, EnvResponse, EnvSetRequest, REDACTED } from '../protocol.js';
import { json, type Route, route } from './route.js';

export const envRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/instances/:id/env',
    scope: 'admin',
    summary: "The instance's own environment over its service's; values are redacted",
    response: EnvResponse,
    handler: ({ deps, key }) => json(redacted(deps, key())),
  }),
  route({
    method: 'PUT',
    path: '/api/instances/:id/env/:name',
    scope: 'admin',
    summary: 'Set one variable; it takes effect at the next start',
    action: 'env.set',
    body: EnvSetRequest,
    response: EnvResponse,
    async handler({ deps, key, params, body, audit }) {
      const name = check(EnvNameToSetParam, params.name);
      audit.detail = name;
      await deps.control.setEnv(key(), name, body.value);
      return json(redacted(deps, key()));
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/instances/:id/env/:name',
    scope: 'admin',
    summary: 'Unset one variable; it takes effect at the next start',
    action: 'env.unset',
    response: EnvResponse,
    async handler({ deps, key, params, audit }) {
      const name = check(EnvNameParam, params.name);
      audit.detail = name;
      await deps.control.setEnv(key(), name, undefined);
      return json(redacted(deps, key()));
    },
  }),
];

/** Values are secrets more often than not, and whoever set them knows them. */
function redacted(deps: ApiDeps, key: InstanceKey): EnvResponse {
  const names = Object.keys(deps.control.env(key)).sort();
  return { id: formatKey(key), env: Object.fromEntries(names.map((name) => [name, REDACTED])) };
}
