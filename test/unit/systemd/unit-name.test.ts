import test from 'ava';
import fc from 'fast-check';
import {
  escapeUnitPart,
  instanceOfUnit,
  unescapeUnitPart,
  unitName,
  unitPath,
} from '../../../systemd/unit-name.js';

/** Answers of `systemd-escape` 252. */
const KNOWN = [
  ['notes', 'notes'],
  ['my-shop', 'my\\x2dshop'],
  ['a_b', 'a_b'],
  ['.hidden.x', '\\x2ehidden.x'],
  ['a/b', 'a-b'],
  ['ä', '\\xc3\\xa4'],
  ['a b', 'a\\x20b'],
] as const;

test('escaping is systemd-escape', (t) => {
  for (const [text, escaped] of KNOWN) {
    t.is(escapeUnitPart(text), escaped);
    t.is(unescapeUnitPart(escaped), text);
  }
});

test('an instance and its unit name each other', (t) => {
  t.is(unitName('notes', 'my-shop'), 'tenement-notes-my\\x2dshop.service');
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/);
  fc.assert(
    fc.property(name, name, (service, tenant) => {
      t.deepEqual(instanceOfUnit(unitName(service, tenant)), { service, tenant });
    }),
  );
});

test('other units are not instances', (t) => {
  for (const unit of [
    'tenement.service',
    'ssh.service',
    'tenement-a.service',
    'tenement-a-b-c.service',
    'tenement-a-b.socket',
    'tenement--.service',
  ]) {
    t.is(instanceOfUnit(unit), undefined, unit);
  }
});

test('the object of a unit: every byte but letters and digits, and a digit at the front, is written in hex', (t) => {
  t.is(
    unitPath('tenement-notes-my\\x2dshop.service'),
    '/org/freedesktop/systemd1/unit/tenement_2dnotes_2dmy_5cx2dshop_2eservice',
  );
  t.is(unitPath('1a.service'), '/org/freedesktop/systemd1/unit/_31a_2eservice');
});
