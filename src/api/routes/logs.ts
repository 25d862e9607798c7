import { assertKnown } from '../known.js';
import { toLogFilter } from '../log-filter.js';
import { streamLogs } from '../log-stream.js';
import { LogEntryMessage, LogList, LogQuery, LogStreamQuery } from '../protocol.js';
import { toLogMessage } from '../view.js';
import { json, type Route, route } from './route.js';

/** Lines that a stream begins with when it asks for a time but not for a number. */
const BACKLOG = 1000;

export const logRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/logs',
    scope: 'tenant',
    filtersByTenant: true,
    summary: 'The newest matching lines, oldest first',
    query: LogQuery,
    response: LogList,
    async handler({ deps, query, tenant }) {
      const filter = toLogFilter(query, tenant, deps.clock.now());
      if (query.must_exist === true) await assertKnown(deps.control, filter, tenant);
      const entries = await deps.logs.query(filter, query.limit);
      return json(entries.map(toLogMessage));
    },
  }),
  route({
    method: 'GET',
    path: '/api/logs/stream',
    scope: 'tenant',
    filtersByTenant: true,
    summary:
      'Lines as they are written (server-sent events, one entry each); with limit or since also earlier ones',
    query: LogStreamQuery,
    response: LogEntryMessage,
    contentType: 'text/event-stream',
    async handler({ deps, query, tenant, identity, req, res }) {
      const filter = toLogFilter(query, tenant, deps.clock.now());
      if (query.must_exist === true) await assertKnown(deps.control, filter, tenant);
      const backlog = query.limit ?? (query.since === undefined ? 0 : BACKLOG);
      await streamLogs({ deps, filter, backlog, identity, head: req.method === 'HEAD', res });
      return { kind: 'handled' };
    },
  }),
];
