import type { LogEntry, LogFilter } from './types.js';

/** Compiles a filter, so that the search text is folded once and not per entry. */
export function matcher(filter: LogFilter): (entry: LogEntry) => boolean {
  const { service, id, stream, since } = filter;
  const search = filter.search?.toLowerCase();
  return (entry) =>
    (service === undefined || entry.service === service) &&
    (id === undefined || entry.id === id) &&
    (stream === undefined || entry.stream === stream) &&
    (since === undefined || entry.at >= since) &&
    (search === undefined || entry.message.toLowerCase().includes(search));
}
