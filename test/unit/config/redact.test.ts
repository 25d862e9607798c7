import test from 'ava';
import { parse, stringify } from 'smol-toml';
import { effectiveConfig, REDACTED, redactEnv } from '../../../src/config/redact.js';
import { configOf } from '../../helpers/config-file.js';

const shown = [
  '{data_dir}/{id}/app.db',
  '{id}',
  '{port}',
  '{data_dir}',
  '/srv/app/config.toml',
  '127.0.0.1:{port}',
];
const hidden = [
  'hunter2',
  'postgres://u:p@h/db',
  '1234',
  'production',
  'x {id}',
  '/aGVsbG8gd29ybGQgdGhpcyBpcyBhIHNlY3JldCB0b2tlbg',
  '',
];

test('paths and templates are shown, everything else is not', (t) => {
  for (const value of shown.slice(0, 5)) t.is(redactEnv({ A: value }).A, value);
  for (const value of hidden) t.is(redactEnv({ A: value }).A, REDACTED, value);
});

test('under a name that sounds secret only templates are shown', (t) => {
  t.is(redactEnv({ API_KEY: '/some/path' }).API_KEY, REDACTED);
  t.is(redactEnv({ KEY_DIR: '{data_dir}/{id}' }).KEY_DIR, '{data_dir}/{id}');
});

test('the effective configuration can be written as TOML and has no secrets', (t) => {
  const config = configOf(
    t,
    `[service.a]
command = "x"
isolation = "systemd"
[service.a.env]
A = "hunter2"
B = "{data_dir}/{id}"
[service.a.systemd]
Nice = 3
`,
  );
  const text = stringify(effectiveConfig(config));
  t.notRegex(text, /hunter2/);
  const again = parse(text) as { service: { a: Record<string, unknown> }; settings: Record<string, unknown> };
  t.deepEqual(again.service.a.env, { A: REDACTED, B: '{data_dir}/{id}' });
  t.is(again.service.a.stop_timeout, 10);
  t.is(again.settings.data_dir, config.settings.data_dir);
  t.false('path' in again);
});
