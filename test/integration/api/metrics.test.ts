import test from 'ava';
import { createMetrics, type Metrics } from '../../../src/api/metrics.js';
import { Telemetry } from '../../../src/api/protocol.js';
import { Counters } from '../../../src/proxy/plane/counters.js';
import { startApi } from '../../helpers/api-server.js';
import { FakeControl } from '../../helpers/fake-control.js';

const seen = { status: 200, durationMs: 12, bytesIn: 3, bytesOut: 5 };

/** One request, as the traffic's thread would report it. */
function observe(metrics: Metrics, request: Parameters<Counters['add']>[0]): void {
  const counters = new Counters();
  counters.add(request);
  metrics.observeRequests(counters.take());
}

test('requests are counted by instance and class, instances by state', async (t) => {
  const control = new FakeControl(['notes'], ['notes:alice', 'notes:bob']);
  await control.stop({ service: 'notes', id: 'bob' }, { hold: false });
  const metrics = createMetrics({ control });
  observe(metrics, { ...seen, instance: 'notes:alice', service: 'notes' });
  observe(metrics, { ...seen, instance: 'notes:alice', service: 'notes', status: 503 });
  metrics.observeWake('notes');
  const { text } = await metrics.render();
  for (const line of [
    'tenement_requests_total{service="notes",instance="notes:alice",class="2xx"} 1',
    'tenement_requests_total{service="notes",instance="notes:alice",class="5xx"} 1',
    'tenement_response_bytes_total{service="notes",instance="notes:alice"} 10',
    'tenement_request_duration_seconds_count{service="notes"} 2',
    'tenement_request_duration_seconds_sum{service="notes"} 0.024',
    'tenement_request_duration_seconds_bucket{le="0.01",service="notes"} 0',
    'tenement_request_duration_seconds_bucket{le="0.025",service="notes"} 2',
    'tenement_request_duration_seconds_bucket{le="+Inf",service="notes"} 2',
    'tenement_instance_request_duration_seconds_bucket{le="0.025",service="notes",instance="notes:alice"} 2',
    'tenement_instance_request_duration_seconds_bucket{le="10",service="notes",instance="notes:alice"} 2',
    'tenement_instance_request_duration_seconds_count{service="notes",instance="notes:alice"} 2',
    'tenement_instances_up{service="notes"} 1',
    'tenement_instances{service="notes",state="stopped"} 1',
    'tenement_instance_state{service="notes",instance="notes:alice",state="ready"} 1',
    'tenement_wakes_total{service="notes"} 1',
  ]) {
    t.true(text.includes(`${line}\n`), line);
  }
  t.regex(text, /process_cpu_seconds_total/);
});

test('unknown names add no labels, and a forgotten instance takes its labels along', async (t) => {
  const control = new FakeControl(['notes'], ['notes:alice']);
  const metrics = createMetrics({ control });
  const lines = async () =>
    (await metrics.render()).text.split('\n').filter((l) => l.startsWith('tenement_'));
  observe(metrics, { ...seen, instance: undefined, service: undefined, status: 404 });
  const before = (await lines()).length;
  for (let i = 0; i < 100; i += 1) {
    observe(metrics, { ...seen, instance: undefined, service: `made-up${i}`, status: 404 });
    observe(metrics, { ...seen, instance: `made:up${i}`, service: 'made', status: 404 });
    metrics.observeWake(`made-up${i}`);
  }
  t.is((await lines()).length, before);
  observe(metrics, { ...seen, instance: 'notes:alice', service: 'notes' });
  await control.remove({ service: 'notes', id: 'alice' }, { purge: false });
  metrics.forget('notes:alice');
  observe(metrics, { ...seen, instance: 'notes:alice', service: 'notes' });
  t.deepEqual(
    (await lines()).filter((line) => line.includes('alice')),
    [],
    'also when its last request ends after it was forgotten',
  );
});

test('metrics need a token, unless they are open to loopback', async (t) => {
  const closed = await startApi(t);
  t.is((await closed.call('GET', '/metrics')).status, 401);
  const reply = await closed.call('GET', '/metrics', { token: closed.token({ kind: 'admin' }) });
  t.regex(reply.headers['content-type'] ?? '', /^text\/plain/);
  const open = await startApi(t, { openToLoopbackMetrics: true });
  t.is((await open.call('GET', '/metrics')).status, 200);
});

test('telemetry sums up what it lists', async (t) => {
  const server = await startApi(t);
  await server.control.stop({ service: 'notes', id: 'bob' }, { hold: false });
  const { body } = await server.call('GET', '/api/telemetry', { socket: true });
  const { summary, instances } = Telemetry.parse(body);
  t.like(summary, { total: 3, awake: 2, sleeping: 1, healthy: 2, unhealthy: 0 });
  t.is(instances.length, 3);
});

test('what the server says of itself', async (t) => {
  const server = await startApi(t);
  t.deepEqual((await server.call('GET', '/health')).body, { status: 'ok' });
  const token = server.token({ kind: 'tenant', tenant: 'alice' });
  const version = { version: '9.8.7', scope: 'tenant', tenant: 'alice' };
  t.deepEqual((await server.call('GET', '/api/version', { token })).body, version);
  t.deepEqual((await server.call('GET', '/api/tls/status', { socket: true })).body, {
    enabled: false,
    domain: null,
  });
});
