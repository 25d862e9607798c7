import { formatKey, type InstanceKey } from '../base/names.js';
import type { LogEntry } from '../logs/types.js';
import type { DataFate, Done, InstanceView } from '../supervisor/control.js';
import type { Instance, LogEntryMessage, RemoveResponse, SpawnResponse, StopResponse } from './protocol.js';

/** An instance as the API shows it: unknown values are null. */
export function toInstance(view: InstanceView): Instance {
  return {
    id: formatKey(view.key),
    service: view.key.service,
    instance_id: view.key.id,
    state: view.state,
    want: view.want,
    health: view.health,
    address: view.address ?? null,
    socket: view.address ?? null,
    uptime_secs: view.uptimeSecs ?? null,
    idle_secs: view.idleSecs ?? null,
    restarts: view.restarts,
    weight: view.weight,
    pid: view.pid ?? null,
    backend: view.backend,
    ...(!view.configured && { configured: false }),
    memory_bytes: view.memoryBytes ?? null,
    cpu_secs: view.cpuSecs ?? null,
    storage_used_bytes: view.storageUsedBytes ?? null,
    storage_quota_bytes: view.storageQuotaBytes ?? null,
    in_flight: view.inFlight,
    last_problem: view.lastProblem ?? null,
  };
}

/** Where an instance listens, after a start. `port` is null for a Unix socket. */
export function toSpawned(view: InstanceView & Partial<Done>): SpawnResponse {
  const port = /^(?:\d+\.\d+\.\d+\.\d+|\[[^\]]+\]|localhost):(\d+)$/.exec(view.address ?? '')?.[1];
  return {
    instance: formatKey(view.key),
    socket: view.address ?? null,
    port: port === undefined ? null : Number(port),
    ...(view.already === true && { already: true }),
  };
}

export const toStopped = (view: Done): StopResponse => ({
  ...toInstance(view),
  ...(view.already && { already: true }),
});

export function toRemoved(key: InstanceKey, { trash, deleted, kept }: DataFate): RemoveResponse {
  return {
    id: formatKey(key),
    trash: trash ?? null,
    deleted: [...deleted],
    kept: kept.map(({ path, sharedWith }) => ({ path, shared_with: [...sharedWith] })),
  };
}

export function toLogMessage(entry: LogEntry): LogEntryMessage {
  return {
    timestamp: new Date(entry.at).toISOString(),
    level: entry.stream,
    process: entry.service,
    instance_id: entry.id,
    message: entry.message,
  };
}
