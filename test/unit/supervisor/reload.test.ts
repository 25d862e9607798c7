import test from 'ava';
import { type Config, fileSchema, type ServiceConfig } from '../../../src/config/schema.js';
import { SERVICE_GROUPS } from '../../../src/config/service.js';
import { settingsSchema } from '../../../src/config/settings.js';
import { compare, needsRestart } from '../../../src/supervisor/reload.js';

const config = (file: object): Config => ({ path: '/etc/tenement.toml', ...fileSchema.parse(file) });
const services = (service: Record<string, object>) =>
  config({
    service: Object.fromEntries(
      Object.entries(service).map(([name, one]) => [name, { command: 'x', ...one }]),
    ),
  });

const NOTHING = { changed: [], added: [], removed: [], keys: [], listed: [], unlisted: [] };

test('added, removed, changed; sorted', (t) => {
  const before = services({ b: {}, c: {}, a: {} });
  const after = services({ d: {}, c: { command: 'y' }, a: { command: 'y' } });
  t.deepEqual(compare(before, after), {
    ...NOTHING,
    ...{ added: ['d'], removed: ['b'], changed: ['a', 'c'] },
    keys: ['service.a.command', 'service.c.command'],
  });
});

/** For every key of a service a value that is not its default, and whether what runs has to be started anew for it. */
const SERVICE_KEYS: Readonly<Record<keyof ServiceConfig, readonly [value: unknown, restarts: boolean]>> = {
  command: ['y', true],
  args: [['-v'], true],
  workdir: ['sub', true],
  env: [{ A: '1' }, true],
  env_file: ['secrets', true],
  pass_env: [['KEY'], true],
  user: ['auto', true],
  listen: ['unix', true],
  restart: ['always', false],
  health: ['/health', false],
  health_timeout: [6, false],
  idle_timeout: [60, false],
  idle_action: ['freeze', false],
  freeze_timeout: [60, false],
  startup_timeout: [60, false],
  request_timeout: [60, false],
  stop_timeout: [60, false],
  drain_timeout: [60, false],
  on_demand: ['any', false],
  max_instances: [5, false],
  balance: [true, false],
  storage_persist: [false, false],
  storage_quota_mb: [100, false],
  max_body: ['50M', false],
  memory_limit_mb: [256, true],
  cpu_shares: [50, true],
  cpu_limit: [1.5, true],
  pids_limit: [100, true],
  isolation: ['process', true],
  sandbox: ['nsjail', true],
  network: ['none', true],
  allow_local: [['127.0.0.1:1'], true],
  read_only_paths: [['/opt'], true],
  read_write_paths: [['/opt'], true],
  systemd: [{ Nice: 5 }, true],
};

test('the table has every key of a service', (t) => {
  t.deepEqual(Object.keys(SERVICE_KEYS).sort(), Object.values(SERVICE_GROUPS).flat().sort());
});

for (const [key, [value, restarts]] of Object.entries(SERVICE_KEYS)) {
  test(`service.notes.${key}: ${restarts ? 'what runs is restarted' : 'in force while it runs'}, and either is told`, (t) => {
    const [before, after] = [services({ notes: {} }), services({ notes: { [key]: value } })];
    for (const change of [compare(before, after), compare(after, before)]) {
      t.deepEqual(change, {
        ...NOTHING,
        changed: restarts ? ['notes'] : [],
        keys: [`service.notes.${key}`],
      });
    }
    t.deepEqual(compare(after, after), NOTHING);
  });
}

/** For every key of [settings] and its tables another value, and whether only a restart of the server reads it. */
const SETTINGS: Readonly<Record<string, readonly [value: unknown, atStart: boolean]>> = {
  data_dir: ['elsewhere', true],
  listen: [['127.0.0.1:1'], true],
  health_check_interval: [20, false],
  max_restarts: [5, false],
  restart_window: [60, false],
  backoff_base_ms: [10, false],
  backoff_max_ms: [70_000, false],
  port_range: [[20_000, 20_100], true],
  uid_range: [[100_000, 200_000], true],
  trusted_proxies: [['10.0.0.0/8'], false],
  admin_host: ['ops.example.com', false],
  'tls.enabled': [true, false],
  'tls.acme_email': ['a@example.com', false],
  'tls.domain': ['example.com', false],
  'tls.cache_dir': ['certs', false],
  'tls.staging': [true, false],
  'tls.https_port': [8443, false],
  'tls.http_port': [8081, false],
  'tls.dns_provider': ['some', false],
  'proxy.fast_reads': ['off', true],
  'proxy.head_timeout': [20, true],
  'proxy.max_head': [32_768, true],
  'proxy.keep_alive_timeout': [20, true],
  'proxy.proxy_protocol': [true, true],
  'proxy.access_log': ['stdout', false],
  'proxy.access_log_format': ['combined', false],
};

test('the table has every key of the settings', (t) => {
  const { tls, proxy, ...plain } = settingsSchema.shape;
  const inner = Object.entries({ tls, proxy }).flatMap(([table, schema]) =>
    Object.keys(schema.unwrap().shape).map((key) => `${table}.${key}`),
  );
  t.deepEqual(Object.keys(SETTINGS).sort(), [...Object.keys(plain), ...inner].sort());
});

for (const [key, [value, atStart]] of Object.entries(SETTINGS)) {
  test(`settings.${key}: ${atStart ? 'only read at the start, and that is told' : 'in force, and told'}`, (t) => {
    const [first = '', second] = key.split('.');
    const settings = second === undefined ? { [first]: value } : { [first]: { [second]: value } };
    const [before, after] = [config({}), config({ settings })];
    t.deepEqual(needsRestart(before, after), atStart ? [key] : []);
    t.deepEqual(needsRestart(after, before), atStart ? [key] : []);
    t.deepEqual(compare(before, after), { ...NOTHING, keys: [`settings.${key}`] });
  });
}

for (const [key, value] of Object.entries({
  default: 'notes',
  tenants: 'notes',
  subdomain: { a: 'notes' },
  path: { '/shop': 'notes' },
})) {
  test(`routing.${key} is told`, (t) => {
    t.deepEqual(compare(config({}), config({ routing: { [key]: value } })), {
      ...NOTHING,
      keys: [`routing.${key}`],
    });
  });
}

test('nothing else stands at the top of the file, or in [routing], that could change untold', (t) => {
  t.deepEqual(Object.keys(fileSchema.shape).sort(), ['instances', 'routing', 'service', 'settings']);
  t.deepEqual(Object.keys(config({}).routing).sort(), ['path', 'subdomain']);
});

test('instances that are listed now, and those that are not any more', (t) => {
  const before = config({ instances: { notes: ['alice', 'bob'], shop: ['bob'] } });
  const after = config({ instances: { notes: ['carol', 'alice'], blog: ['bob'] } });
  t.deepEqual(compare(before, after), {
    ...NOTHING,
    listed: [
      { service: 'notes', id: 'carol' },
      { service: 'blog', id: 'bob' },
    ],
    unlisted: [
      { service: 'notes', id: 'bob' },
      { service: 'shop', id: 'bob' },
    ],
  });
});

test('another order, or a default that is written down, is no change', (t) => {
  const notes = { env: { X: '1', Y: '2' }, idle_timeout: 60 };
  const before = config({ service: { notes: { command: 'x', ...notes } }, instances: { notes: ['a', 'b'] } });
  const after = config({
    settings: { max_restarts: 3, proxy: { head_timeout: '10s' }, tls: {} },
    service: { notes: { idle_timeout: '1m', env: { Y: '2', X: '1' }, listen: 'port', command: 'x' } },
    instances: { notes: ['b', 'a'] },
  });
  t.deepEqual(compare(before, after), NOTHING);
});
