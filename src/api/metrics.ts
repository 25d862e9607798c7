import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { formatKey, type InstanceKey, parseKey } from '../base/names.js';
import { DURATION_BUCKETS, type RequestCounts } from '../proxy/plane/protocol.js';
import type { Control, InstanceView } from '../supervisor/control.js';
import { DurationHistogram } from './duration-histogram.js';

/**
 * Seconds. A scrape carries a line for each of them and each instance that had requests, so there are few: they tell a slow instance from a
 * quick one, and the service's own histogram has the rest. All are among DURATION_BUCKETS.
 */
const INSTANCE_BUCKETS = [0.025, 0.1, 0.5, 2.5, 10] as const;

/** How often the delay of the event loop is sampled. Every 10 ms, as is usual, would be most of what an idle server does. */
const LOOP_PRECISION_MS = 100;

export interface Metrics {
  /** Requests that the proxy has answered, summed up. */
  observeRequests(rows: readonly RequestCounts[]): void;
  /** A request found its instance asleep. */
  observeWake(service: string): void;
  /** Removes the labels of an instance that is gone. */
  forget(instance: string): void;
  render(): Promise<{ contentType: string; text: string }>;
}

/**
 * Metrics of this server in a registry of their own. Labels come only from names that exist: a stranger who asks for 10,000
 * made-up hosts adds none.
 */
export function createMetrics({
  control,
  refresh,
}: {
  control: Pick<Control, 'list' | 'exists' | 'services'>;
  /** Awaited before a rendering: brings what was counted elsewhere up to date. */
  refresh?: () => Promise<void>;
}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_PRECISION_MS });
  const perInstance = ['service', 'instance'] as const;

  const requests = new Counter({
    name: 'tenement_requests_total',
    help: 'Requests answered, by class of status (2xx ...)',
    labelNames: [...perInstance, 'class'],
    registers,
  });
  const bytesIn = new Counter({
    name: 'tenement_request_bytes_total',
    help: 'Bytes of request bodies',
    labelNames: perInstance,
    registers,
  });
  const bytesOut = new Counter({
    name: 'tenement_response_bytes_total',
    help: 'Bytes of response bodies',
    labelNames: perInstance,
    registers,
  });
  const duration = new DurationHistogram(
    'tenement_request_duration_seconds',
    'From the arrival of a request to the end of its answer, wakes included',
    DURATION_BUCKETS,
  );
  const instanceDuration = new DurationHistogram(
    'tenement_instance_request_duration_seconds',
    'The same for each instance that had requests, in fewer steps',
    INSTANCE_BUCKETS,
    DURATION_BUCKETS,
  );
  const wakes = new Counter({
    name: 'tenement_wakes_total',
    help: 'Requests that found their instance asleep and started it',
    labelNames: ['service'],
    registers,
  });
  const gauges = createInstanceGauges(registers);

  return {
    observeRequests(rows) {
      for (const { instance, service, classes, ...row } of rows) {
        const key = existing(control, instance);
        const known =
          key?.service ?? (service !== undefined && control.services().includes(service) ? service : '');
        const labels = { service: known, instance: key === undefined ? '' : formatKey(key) };
        for (const [digit, count] of classes.entries())
          if (count > 0) requests.inc({ ...labels, class: `${digit}xx` }, count);
        bytesIn.inc(labels, row.bytesIn);
        bytesOut.inc(labels, row.bytesOut);
        duration.add(`service="${known}"`, row.durations, row.durationSumSecs);
        if (key !== undefined) instanceDuration.add(labelsOf(key), row.durations, row.durationSumSecs);
      }
    },
    observeWake(service) {
      if (control.services().includes(service)) wakes.inc({ service });
    },
    forget(instance) {
      const service = instance.split(':')[0] ?? '';
      instanceDuration.remove(labelsOf(parseKey(instance)));
      bytesIn.remove({ service, instance });
      bytesOut.remove({ service, instance });
      for (let digit = 1; digit <= 5; digit += 1) requests.remove({ service, instance, class: `${digit}xx` });
    },
    async render() {
      await refresh?.();
      gauges.update(await control.list({ all: true }), control.services());
      return {
        contentType: registry.contentType,
        text: (await registry.metrics()) + duration.render() + instanceDuration.render(),
      };
    },
  };
}

function labelsOf(key: InstanceKey): string {
  return `service="${key.service}",instance="${formatKey(key)}"`;
}

/** The key of an instance that is registered, else undefined: also for one forgotten while its last request ran. */
function existing(control: Pick<Control, 'exists'>, instance: string | undefined): InstanceKey | undefined {
  if (instance === undefined) return undefined;
  const key = parseKey(instance);
  return control.exists(key) ? key : undefined;
}

/** Gauges that are read off the instances at each scrape, so that they can't drift and end with their instance. */
function createInstanceGauges(registers: Registry[]) {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name, help, labelNames, registers });
  const up = gauge('tenement_instances_up', 'Instances that are ready', ['service']);
  const count = gauge('tenement_instances', 'Registered instances by state', ['service', 'state']);
  const state = gauge('tenement_instance_state', '1 for the present state of each instance that is awake', [
    'service',
    'instance',
    'state',
  ]);
  const memory = gauge('tenement_instance_memory_bytes', 'Memory of the whole process tree', [
    'service',
    'instance',
  ]);
  const open = gauge('tenement_instance_requests_in_flight', 'Open requests and upgrades', [
    'service',
    'instance',
  ]);

  return {
    update(views: readonly InstanceView[], services: readonly string[]): void {
      for (const metric of [up, count, state, memory, open]) metric.reset();
      for (const service of services) up.set({ service }, 0);
      for (const view of views) {
        const { service } = view.key;
        const labels = { service, instance: formatKey(view.key) };
        count.inc({ service, state: view.state });
        if (view.state === 'ready') up.inc({ service });
        if (view.state === 'stopped') continue;
        state.set({ ...labels, state: view.state }, 1);
        open.set(labels, view.inFlight);
        if (view.memoryBytes !== undefined) memory.set(labels, view.memoryBytes);
      }
    },
  };
}
