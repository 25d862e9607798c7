import type { ServerResponse } from 'node:http';
import { asTenementError } from '../../base/errors.js';
import { assertName, formatKey } from '../../base/names.js';
import { inNames, summaryOf } from '../../supervisor/reload.js';
import {
  DeployRequest,
  DeployResponse,
  ReloadResponse,
  RestartProgress,
  RouteRequest,
  RouteResponse,
  serviceOf,
} from '../protocol.js';
import { errorBody } from '../respond.js';
import { json, type Route, route } from './route.js';

export const serviceRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/api/deploy',
    scope: 'admin',
    summary: 'Start a new version beside the old ones; it gets its weight once it is healthy',
    action: 'deploy',
    body: DeployRequest,
    response: DeployResponse,
    async handler({ deps, body, audit }) {
      const service = serviceOf(body);
      audit.target = `${service}:${body.version}`;
      audit.detail = `weight ${body.weight}`;
      const view = await deps.control.deploy(service, body.version, {
        weight: body.weight,
        timeoutSecs: body.timeout,
      });
      return json({
        instance: formatKey(view.key),
        socket: view.address ?? null,
        weight: view.weight,
        status: view.health,
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/route',
    scope: 'admin',
    summary: 'Move the whole weight of one version to another in one step',
    action: 'route',
    body: RouteRequest,
    response: RouteResponse,
    async handler({ deps, body, audit }) {
      const service = serviceOf(body);
      audit.target = service;
      audit.detail = `${body.from} -> ${body.to}`;
      const { from, to } = await deps.control.route(service, body.from, body.to);
      return json({
        from_instance: formatKey(from.key),
        to_instance: formatKey(to.key),
        from_weight: from.weight,
        to_weight: to.weight,
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/services/:service/restart',
    scope: 'admin',
    summary:
      'Restart the awake instances of a service in batches; one line of JSON per instance, the last one is done or error',
    action: 'restart.service',
    response: RestartProgress,
    contentType: 'application/x-ndjson',
    async handler({ deps, params, audit, res }) {
      const service = params.service ?? '';
      assertName(service, 'service');
      audit.target = service;
      let restarted = 0;
      try {
        for await (const { key, done, total } of deps.control.restartService(service)) {
          restarted = done;
          line(res, { type: 'progress', instance: formatKey(key), done, total });
        }
      } catch (cause) {
        const error = asTenementError(cause);
        // Nothing was said yet: an ordinary error with its status is still possible. Else the last line tells it.
        if (res.headersSent) {
          line(res, { type: 'error', error: errorBody(error).error });
          res.end();
        }
        audit.detail = `after ${restarted}`;
        throw error;
      }
      audit.detail = `${restarted} restarted`;
      line(res, { type: 'done', restarted });
      res.end();
      return { kind: 'handled' };
    },
  }),
  route({
    method: 'POST',
    path: '/api/reload',
    scope: 'admin',
    summary: 'Read the config file again; running instances whose service did not change are not touched',
    action: 'reload',
    response: ReloadResponse,
    async handler({ deps, audit }) {
      const change = await deps.control.reload();
      audit.detail = summaryOf(change);
      return json(inNames(change));
    },
  }),
];

function line(res: ServerResponse, message: RestartProgress): void {
  if (!res.headersSent) res.writeHead(200, { 'content-type': 'application/x-ndjson' });
  res.write(`${JSON.stringify(message)}\n`);
}
