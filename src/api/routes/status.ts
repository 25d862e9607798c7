import type { InstanceView } from '../../supervisor/control.js';
import { isLoopback } from '../auth.js';
import { PublicHealth, Telemetry, TlsStatus, VersionResponse } from '../protocol.js';
import { toInstance } from '../view.js';
import { json, type Route, route } from './route.js';

export const statusRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/health',
    scope: 'public',
    summary: 'Whether the server itself answers; says nothing of instances or versions to strangers',
    response: PublicHealth,
    handler: () => json({ status: 'ok' }),
  }),
  route({
    method: 'GET',
    path: '/metrics',
    scope: 'admin',
    openTo: (deps, peer) => deps.openToLoopbackMetrics === true && isLoopback(peer.address),
    summary: 'Metrics for Prometheus',
    contentType: 'text/plain',
    async handler({ deps }) {
      const { contentType, text } = await deps.metrics.render();
      return { kind: 'bytes', status: 200, headers: { 'content-type': contentType }, body: text };
    },
  }),
  route({
    method: 'GET',
    path: '/api/version',
    scope: 'tenant',
    // The same for everyone: there is nothing to filter.
    filtersByTenant: true,
    summary: 'The version of the server, and what the caller may do there',
    response: VersionResponse,
    handler: ({ deps, identity, tenant }) =>
      json({ version: deps.version, scope: identity.scope?.kind, tenant: tenant ?? null }),
  }),
  route({
    method: 'GET',
    path: '/api/telemetry',
    scope: 'admin',
    summary: 'All instances with a summary, as the dashboard shows them',
    response: Telemetry,
    async handler({ deps }) {
      const views = await deps.control.list({ all: true });
      return json({ summary: summarize(views), instances: views.map(toInstance) });
    },
  }),
  route({
    method: 'GET',
    path: '/api/tls/status',
    scope: 'admin',
    summary: 'TLS and its certificate',
    response: TlsStatus,
    handler: ({ deps }) => json(deps.tls?.() ?? { enabled: false, domain: null }),
  }),
];

function summarize(views: readonly InstanceView[]): Telemetry['summary'] {
  const count = (test: (view: InstanceView) => boolean) => views.filter(test).length;
  const sum = (value: (view: InstanceView) => number | undefined) =>
    views.reduce((total, view) => total + (value(view) ?? 0), 0);
  const sleeping = count((view) => view.state === 'stopped' || view.state === 'frozen');
  return {
    total: views.length,
    awake: views.length - sleeping,
    sleeping,
    healthy: count((view) => view.health === 'healthy'),
    unhealthy: count((view) => ['degraded', 'unhealthy', 'failed'].includes(view.health)),
    in_flight: sum((view) => view.inFlight),
    memory_bytes: sum((view) => view.memoryBytes),
    storage_used_bytes: sum((view) => view.storageUsedBytes),
  };
}
