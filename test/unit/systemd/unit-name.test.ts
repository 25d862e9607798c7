import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import {
  escapeUnitPart,
  instanceOfUnit,
  sliceName,
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

test('a unit that would be too long has a shorter name, which no other instance has', (t) => {
  const long = (start: string, end: string) => start.padEnd(62, '-') + end;
  const names = [
    'a',
    'a-b',
    'x'.repeat(63),
    long('a', 'x'),
    long('a', 'y'),
    long('b', 'x'),
    long('a--b', 'x'),
  ];
  const units = names.flatMap((service) => names.map((tenant) => unitName(service, tenant)));
  t.is(new Set(units).size, names.length ** 2);
  for (const unit of units) {
    fits(t, unit);
    t.regex(unit, /^tenement-([a-z0-9.]|\\x2d)+-([a-z0-9.]|\\x2d)+\.service$/);
  }
  t.is(unitName('x'.repeat(63), 'a-b'), `tenement-${'x'.repeat(63)}-a\\x2db.service`);
  t.is(instanceOfUnit(unitName(long('a', 'x'), long('a', 'x'))), undefined);
  const slices = names.map(sliceName);
  t.is(new Set(slices).size, names.length);
  for (const slice of slices) t.true(`invocation:${slice}`.length <= 255, slice);
  t.is(sliceName('my-notes'), 'tenement-my\\x2dnotes.slice');
});

test('whatever the lengths of its parts, systemd has room for all that it names by a unit', (t) => {
  for (let service = 1; service <= 63; service += 1)
    for (let tenant = 1; tenant <= 63; tenant += 1) {
      const [first, second] = [service, tenant].map((length) => `a${'-'.repeat(length)}`.slice(0, length));
      fits(t, unitName(first ?? '', second ?? ''));
    }
});

/** A file of the run, and a directory of PrivateTmp= (exec_shared_runtime and setup_tmp_dirs of systemd), also of the unit's door. */
function fits(t: ExecutionContext, unit: string): void {
  const door = unit.replace(/\.service$/, '-door.service');
  const directory = `systemd-private-${'0'.repeat(32)}-${door}-XXXXXX`;
  t.true(`invocation:${door}`.length <= 255 && directory.length <= 255, unit);
}

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
