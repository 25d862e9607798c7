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
  };
  t.deepEqual(keysOf(service), []);
});

test('an omitted isolation is not yet there', (t) => {
  const items = notYet(serviceSchema.parse({ command: 'x' }));
  const error = notYetError('notes', items);
  t.is(error.code, 'not_yet');
  t.regex(error.message, /"notes".*namespace.*default.*`isolation`/);
  t.regex(error.hint, /`isolation = "process"`/);
});

for (const [key, value] of Object.entries({
  isolation: 'sandbox',
  listen: 'unix',
  idle_action: 'freeze',
  network: 'none',
  memory_limit_mb: 1,
  cpu_shares: 1,
  cpu_limit: 1,
  pids_limit: 1,
  freeze_timeout: 1,
  allow_local: [],
  read_only_paths: [],
  read_write_paths: [],
  sandbox: 'nsjail',
  systemd: {},
})) {
  test(`${key} is refused at use`, (t) => {
    t.deepEqual(keysOf({ [key]: value }), [key]);
  });
}

test('all keys are named at once, with what to write and what to leave out', (t) => {
  const items = notYet(serviceSchema.parse({ command: 'x', memory_limit_mb: 1, listen: 'fd' }));
  const error = notYetError('a', items);
  t.deepEqual(error.details.keys, ['isolation', 'listen', 'memory_limit_mb']);
  t.is(
    error.hint,
    'Write `isolation = "process"`, `listen = "port"` and leave out `memory_limit_mb` in tenement.toml.',
  );
});

test('settings', (t) => {
  const keys = (settings: object) => notYetSettings(settingsSchema.parse(settings)).map(({ key }) => key);
  t.deepEqual(keys({ listen: ['0.0.0.0:80'], tls: { enabled: false }, trusted_proxies: ['::1'] }), []);
  t.deepEqual(keys({ tls: { enabled: true }, proxy: {}, listen: ['unix:/run/x'] }), ['tls.enabled']);
});
