import test from 'ava';
import { notYet, notYetError, notYetSettings } from '../../../src/config/not-yet.js';
import { serviceSchema } from '../../../src/config/service.js';
import { settingsSchema } from '../../../src/config/settings.js';

const keysOf = (service: object) =>
  notYet(serviceSchema.parse({ command: 'x', isolation: 'process', ...service })).map(({ key }) => key);

test('what this version has is not refused', (t) => {
  const service = {
    storage_quota_mb: 1,
    storage_persist: false,
    max_body: 1,
    balance: true,
    on_demand: 'any',
    max_instances: 1,
    user: 'auto',
    env_file: '/x',
    pass_env: ['A'],
    restart: 'always',
    health: '/',
    idle_timeout: 1,
    drain_timeout: 0,
    listen: 'fd',
    network: 'none',
    memory_limit_mb: 1,
    cpu_shares: 1,
    cpu_limit: 1,
    pids_limit: 1,
    allow_local: [],
    read_only_paths: [],
    read_write_paths: [],
    sandbox: 'nsjail',
    systemd: { Nice: 3 },
  };
  t.deepEqual(keysOf(service), []);
});

test('an omitted isolation is namespace, and there', (t) => {
  t.deepEqual(notYet(serviceSchema.parse({ command: 'x' })), []);
});

test('all keys are named at once, with what to write and what to leave out', (t) => {
  const items = [
    { key: 'a', feature: 'A', instead: 'a = "b"' },
    { key: 'c', feature: 'C' },
  ];
  const error = notYetError('x', items);
  t.is(error.code, 'not_yet');
  t.deepEqual(error.details.keys, ['a', 'c']);
  t.is(error.hint, 'Write `a = "b"` and leave out `c` in tenement.toml.');
});

test('settings', (t) => {
  const keys = (settings: object) => notYetSettings(settingsSchema.parse(settings)).map(({ key }) => key);
  t.deepEqual(keys({ listen: ['0.0.0.0:80'], tls: { enabled: false }, trusted_proxies: ['::1'] }), []);
  t.deepEqual(keys({ tls: { enabled: true }, proxy: {}, listen: ['unix:/run/x'] }), ['tls.enabled']);
});
