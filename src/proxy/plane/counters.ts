import { DURATION_BUCKETS, type RequestCounts } from './protocol.js';

/** One answered request. */
export interface Counted {
  readonly instance: string | undefined;
  readonly service: string | undefined;
  readonly status: number;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

interface Row extends RequestCounts {
  classes: number[];
  bytesIn: number;
  bytesOut: number;
  durations: number[];
  durationSumSecs: number;
}

/**
 * What metrics need of each request, summed up in the worker and told in batches. Rows exist for instances that gave a lease and
 * for services of the config only, so that made-up names leave nothing.
 */
export class Counters {
  #rows = new Map<string, Row>();

  add(request: Counted): void {
    const key = request.instance ?? `/${request.service ?? ''}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = emptyRow(request);
      this.#rows.set(key, row);
    }
    const index = Math.min(5, Math.max(1, Math.floor(request.status / 100)));
    row.classes[index] = (row.classes[index] ?? 0) + 1;
    row.bytesIn += request.bytesIn;
    row.bytesOut += request.bytesOut;
    const secs = request.durationMs / 1000;
    row.durationSumSecs += secs;
    let bucket = 0;
    while (bucket < DURATION_BUCKETS.length && secs > (DURATION_BUCKETS[bucket] ?? 0)) bucket += 1;
    row.durations[bucket] = (row.durations[bucket] ?? 0) + 1;
  }

  /** What was counted since the last call. */
  take(): RequestCounts[] {
    const rows = [...this.#rows.values()];
    if (rows.length > 0) this.#rows = new Map();
    return rows;
  }
}

function emptyRow({ instance, service }: Counted): Row {
  return {
    instance,
    service,
    classes: [0, 0, 0, 0, 0, 0],
    bytesIn: 0,
    bytesOut: 0,
    durations: new Array<number>(DURATION_BUCKETS.length + 1).fill(0),
    durationSumSecs: 0,
  };
}
