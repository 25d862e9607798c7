import test from 'ava';
import type { Config } from '../../../src/config/schema.js';
import { compare, needsRestart } from '../../../src/supervisor/reload.js';

interface Services {
  [name: string]: object;
}
const config = (service: Services, settings: object = {}): Config =>
  ({ service, settings: { data_dir: '/d', port_range: [1, 2], ...settings } }) as unknown as Config;

test('added, removed, changed; sorted', (t) => {
  const before = config({ b: { command: 'x' }, c: { command: 'x' }, a: { command: 'x' } });
  const after = config({ d: { command: 'x' }, c: { command: 'y' }, a: { command: 'y' } });
  t.deepEqual(compare(before, after), { added: ['d'], removed: ['b'], changed: ['a', 'c'] });
});

for (const key of [
  'command',
  'args',
  'workdir',
  'env',
  'env_file',
  'pass_env',
  'user',
  'isolation',
  'listen',
]) {
  test(`${key} reaches the process: changed`, (t) => {
    const [before, after] = [config({ a: { [key]: ['1'] } }), config({ a: { [key]: ['2'] } })];
    t.deepEqual(compare(before, after).changed, ['a']);
  });
}

for (const key of ['idle_timeout', 'health', 'request_timeout', 'storage_quota_mb', 'balance', 'max_body']) {
  test(`${key} takes effect while it runs: not changed`, (t) => {
    t.deepEqual(compare(config({ a: { [key]: 1 } }), config({ a: { [key]: 2 } })).changed, []);
  });
}

test('the same keys in another order are the same environment', (t) => {
  const [before, after] = [
    config({ a: { env: { X: '1', Y: '2' } } }),
    config({ a: { env: { Y: '2', X: '1' } } }),
  ];
  t.deepEqual(compare(before, after).changed, []);
});

test('settings that only a restart of the server reads', (t) => {
  t.deepEqual(needsRestart(config({}), config({}, { data_dir: '/e', port_range: [1, 3] })), [
    'data_dir',
    'port_range',
  ]);
  t.deepEqual(needsRestart(config({}), config({}, { max_restarts: 9 })), []);
});
