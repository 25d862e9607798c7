import test from 'ava';
import type { Config } from '../../src/config/schema.js';
import { serviceSchema } from '../../src/config/service.js';
import { settingsSchema } from '../../src/config/settings.js';
import { planeConfig } from '../../src/plane-config.js';

const OWN = { path: '/run/own.sock' };

const config = (settings: object, services: Record<string, object> = {}): Config => ({
  path: '/etc/tenement/tenement.toml',
  settings: settingsSchema.parse(settings),
  service: Object.fromEntries(
    Object.entries(services).map(([name, keys]) => [name, serviceSchema.parse({ command: 'x', ...keys })]),
  ),
  instances: {},
  routing: { subdomain: {}, path: {} },
});

test('what is not said has the defaults of the settings table', (t) => {
  const bare = planeConfig(config({}), 'localhost', OWN);
  const table = planeConfig(config({ proxy: {} }), 'localhost', OWN);
  t.deepEqual(bare, table);
  t.is(bare.accessLog, undefined);
  t.deepEqual(bare.limits, {
    headTimeoutMs: 10_000,
    maxHeadBytes: 65_536,
    keepAliveTimeoutMs: 75_000,
    fastReads: true,
  });
});

test('all keys arrive', (t) => {
  const proxy = {
    fast_reads: 'off',
    head_timeout: '3s',
    max_head: '16K',
    keep_alive_timeout: 5,
    proxy_protocol: true,
    access_log: 'logs/access.log',
    access_log_format: 'combined',
  };
  const plane = planeConfig(config({ proxy, trusted_proxies: ['10.0.0.0/8'] }), 'example.com', OWN);
  t.deepEqual(plane.limits, {
    headTimeoutMs: 3000,
    maxHeadBytes: 16_384,
    keepAliveTimeoutMs: 5000,
    fastReads: false,
  });
  t.true(plane.proxyProtocol);
  t.deepEqual(plane.trustedProxies, ['10.0.0.0/8']);
  // Relative paths are relative to the file.
  t.deepEqual(plane.accessLog, { to: { path: '/etc/tenement/logs/access.log' }, format: 'combined' });
  t.is(plane.table.domain, 'example.com');
  t.is(plane.own, OWN);
});

test('services bring their policy, and whether bodies are counted against a quota', (t) => {
  const services = { a: { request_timeout: 7, max_body: '1M' }, b: { storage_quota_mb: 5 } };
  const plane = planeConfig(config({ proxy: { access_log: 'stdout' } }, services), 'localhost', OWN);
  t.deepEqual(plane.services.get('a'), {
    forward: { requestTimeoutMs: 7000, maxBodyBytes: 2 ** 20 },
    quota: false,
  });
  t.true(plane.services.get('b')?.quota);
  t.deepEqual(plane.accessLog, { to: 'stdout', format: 'json' });
});

test('it can be copied to another thread', (t) => {
  const plane = planeConfig(config({}, { a: {} }), 'localhost', OWN);
  t.deepEqual(structuredClone(plane), plane);
});
