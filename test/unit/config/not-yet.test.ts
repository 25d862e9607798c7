import test from 'ava';
import { notYetError, notYetSettings } from '../../../src/config/not-yet.js';
import { settingsSchema } from '../../../src/config/settings.js';

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
