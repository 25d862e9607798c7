import test from 'ava';
import { lackingInUnits } from '../../../../isolation/unit/lacking.js';
import { OPTIONAL } from '../../../../isolation/unit/properties.js';

const systemd = { works: true, reason: '', cgroups: undefined, version: '241-7' };

test('a systemd that knows all has nothing told of it, and a machine without one neither', (t) => {
  t.is(lackingInUnits({}), undefined);
  t.is(lackingInUnits({ systemd }), undefined);
  t.is(lackingInUnits({ systemd: { ...systemd, missing: [] } }), undefined);
});

test('what is missing is named with what that costs', (t) => {
  const missing = [...OPTIONAL.map(([name]) => name), 'PrivateUsers'];
  const told = lackingInUnits({ systemd: { ...systemd, missing } }) ?? '';
  t.regex(told, /241-7/);
  for (const name of missing) t.regex(told, new RegExp(`${name} \\(.+?\\)`));
});
