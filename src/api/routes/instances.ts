import { TenementError } from '../../base/errors.js';
import type { InstanceKey } from '../../base/names.js';
import { formatKey } from '../../base/names.js';
import { assertKnown } from '../known.js';
import {
  DeleteQuery,
  EventList,
  HealthResponse,
  Instance,
  InstanceList,
  LimitQuery,
  ListQuery,
  PutRequest,
  RemoveRequest,
  RemoveResponse,
  SpawnRequest,
  SpawnResponse,
  StopRequest,
  StopResponse,
  StorageResponse,
  serviceOf,
  WeightRequest,
  WeightResponse,
} from '../protocol.js';
import { toInstance, toRemoved, toSpawned, toStopped } from '../view.js';
import { json, noContent, type Route, route } from './route.js';

/** Keys that a create token is creating at this moment: two calls at once must not both find the name free. */
const creating = new Set<string>();

export const instanceRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/instances',
    scope: 'tenant',
    filtersByTenant: true,
    summary: 'Instances that are awake, or all with all=1',
    query: ListQuery,
    response: InstanceList,
    async handler({ deps, tenant, query }) {
      const service = query.service ?? query.process;
      if (query.must_exist === true && service !== undefined)
        await assertKnown(deps.control, { service }, tenant);
      const views = await deps.control.list({ all: query.all ?? false });
      return json(
        views
          .filter(
            ({ key }) =>
              (tenant === undefined || key.id === tenant) &&
              (service === undefined || key.service === service),
          )
          .map(toInstance),
      );
    },
  }),
  route({
    method: 'POST',
    path: '/api/instances/spawn',
    scope: 'admin',
    summary: 'Register if new, start, and wait until ready',
    action: 'spawn',
    body: SpawnRequest,
    response: SpawnResponse,
    async handler({ deps, body, audit }) {
      const key = { service: serviceOf(body), id: body.id };
      audit.target = formatKey(key);
      if (body.adopt_data === true) audit.detail = 'adopt data';
      const view = await deps.control.spawn(key, {
        wait: body.wait ?? true,
        adoptData: body.adopt_data ?? false,
      });
      return json(toSpawned(view));
    },
  }),
  route({
    method: 'GET',
    path: '/api/instances/:id',
    scope: 'tenant',
    summary: 'One instance',
    response: Instance,
    handler: async ({ deps, key }) => json(toInstance(await deps.control.view(key()))),
  }),
  route({
    method: 'PUT',
    path: '/api/instances/:id',
    scope: 'create',
    summary: 'Create or change, idempotent; 201 when created. It starts with its first request.',
    action: 'put',
    body: PutRequest,
    response: Instance,
    async handler({ deps, key, body, audit, identity }) {
      const target = key();
      audit.detail = describePut(body);
      const changes = {
        ...(body.env === undefined ? {} : { env: body.env }),
        ...(body.weight === undefined ? {} : { weight: body.weight }),
        ...(body.disabled === undefined ? {} : { disabled: body.disabled }),
      };
      const put = async () => {
        const { created, instance } = await deps.control.put(target, changes);
        return json(toInstance(instance), created ? 201 : 200);
      };
      if (identity.scope?.kind !== 'create') return put();
      return asOnlyCreator(target, (name) => deps.control.exists(name), put);
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/instances/:id',
    scope: 'admin',
    summary: 'Stop; the next request wakes it again, unless hold=1. With forget=1 remove it.',
    action: 'stop',
    query: DeleteQuery,
    status: 204,
    async handler({ deps, key, query, audit }) {
      if (query.purge === true && query.forget !== true) {
        throw new TenementError('invalid', 'purge=1 deletes data and goes only with forget=1');
      }
      if (query.forget === true) {
        audit.action = 'rm';
        audit.detail = query.purge === true ? 'purge' : '';
        await deps.control.remove(key(), { purge: query.purge ?? false });
      } else {
        audit.detail = query.hold === true ? 'hold' : '';
        await deps.control.stop(key(), { hold: query.hold ?? false });
      }
      return noContent;
    },
  }),
  route({
    method: 'POST',
    path: '/api/instances/:id/start',
    scope: 'admin',
    summary: 'Start a registered instance and wait until ready; ends a hold',
    action: 'start',
    response: SpawnResponse,
    async handler({ deps, key }) {
      // Unlike spawn, a start never registers a name.
      if (!deps.control.exists(key())) throw unknown(key());
      return json(toSpawned(await deps.control.spawn(key(), { wait: true })));
    },
  }),
  route({
    method: 'POST',
    path: '/api/instances/:id/stop',
    scope: 'admin',
    summary: 'Drain and stop; with hold it stays down until started',
    action: 'stop',
    body: StopRequest,
    response: StopResponse,
    async handler({ deps, key, body, audit }) {
      audit.detail = body.hold === true ? 'hold' : '';
      return json(toStopped(await deps.control.stop(key(), { hold: body.hold ?? false })));
    },
  }),
  route({
    method: 'POST',
    path: '/api/instances/:id/remove',
    scope: 'admin',
    summary:
      'Stop and forget; answers what became of the data: moved to the trash, deleted, or kept because others share it',
    action: 'rm',
    body: RemoveRequest,
    response: RemoveResponse,
    async handler({ deps, key, body, audit }) {
      audit.detail = body.purge === true ? 'purge' : '';
      return json(toRemoved(key(), await deps.control.remove(key(), { purge: body.purge ?? false })));
    },
  }),
  route({
    method: 'POST',
    path: '/api/instances/:id/restart',
    scope: 'tenant',
    summary: 'Restart and wait until ready',
    action: 'restart',
    response: SpawnResponse,
    handler: async ({ deps, key }) => json(toSpawned(await deps.control.restart(key()))),
  }),
  route({
    method: 'PUT',
    path: '/api/instances/:id/weight',
    scope: 'admin',
    summary: 'Share of the requests of a balance service',
    action: 'weight',
    body: WeightRequest,
    response: WeightResponse,
    async handler({ deps, key, body, audit }) {
      audit.detail = String(body.weight);
      const view = await deps.control.setWeight(key(), body.weight);
      return json({ instance: formatKey(view.key), weight: view.weight });
    },
  }),
  route({
    method: 'GET',
    path: '/api/instances/:id/health',
    scope: 'tenant',
    summary: 'The health word',
    response: HealthResponse,
    async handler({ deps, key }) {
      const { id, health, state, last_problem } = toInstance(await deps.control.view(key()));
      return json({ id, instance: id, health, state, last_problem });
    },
  }),
  route({
    method: 'GET',
    path: '/api/instances/:id/storage',
    scope: 'tenant',
    summary: 'Disk use and quota',
    response: StorageResponse,
    async handler({ deps, key }) {
      const { usedBytes, quotaBytes } = await deps.control.storage(key());
      return json({
        used_bytes: usedBytes,
        quota_bytes: quotaBytes ?? null,
        usage_percent:
          quotaBytes === undefined || quotaBytes === 0
            ? null
            : Math.round((usedBytes / quotaBytes) * 1000) / 10,
      });
    },
  }),
  route({
    method: 'GET',
    path: '/api/instances/:id/events',
    scope: 'admin',
    summary: 'Transitions of state, newest first',
    query: LimitQuery,
    response: EventList,
    handler({ deps, key, query }) {
      if (!deps.control.exists(key())) throw unknown(key());
      const events = deps.store.registry.events(key(), query.limit);
      return json(
        events.map(({ at, from, to, cause }) => ({ timestamp: new Date(at).toISOString(), from, to, cause })),
      );
    },
  }),
];

function describePut(body: PutRequest): string {
  const parts: string[] = [];
  if (body.env !== undefined) parts.push(`env ${Object.keys(body.env).join(',') || '(none)'}`);
  if (body.weight !== undefined) parts.push(`weight ${body.weight}`);
  if (body.disabled !== undefined) parts.push(body.disabled ? 'disable' : 'enable');
  return parts.join('; ');
}

/** Runs `create` for a create token. @throws TenementError `forbidden` when the instance exists already: it is not this token's to change. */
async function asOnlyCreator<T>(
  key: InstanceKey,
  exists: (key: InstanceKey) => boolean,
  create: () => Promise<T>,
): Promise<T> {
  const name = formatKey(key);
  if (creating.has(name) || exists(key)) {
    throw new TenementError('forbidden', `This token may only create instances, and ${name} exists already`);
  }
  creating.add(name);
  try {
    return await create();
  } finally {
    creating.delete(name);
  }
}

function unknown(key: InstanceKey): TenementError {
  return new TenementError('not_found', `There is no instance ${formatKey(key)}`);
}
