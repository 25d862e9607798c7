import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { instanceOf, instancePath, serviceOrInstance, wholeNumber } from '../../../src/cli/target.js';

test('an instance is written in one word or in two', (t) => {
  const alice = { service: 'notes', id: 'alice' };
  t.deepEqual(instanceOf('notes:alice', undefined), alice);
  t.deepEqual(instanceOf('notes', 'alice'), alice);
  t.deepEqual(instanceOf('notes:alice', 'alice'), alice);
  t.is(instancePath(alice, '/stop'), '/api/instances/notes%3Aalice/stop');
});

for (const [text, id] of [
  ['notes', undefined],
  ['notes:alice', 'bob'],
  ['notes:alice:x', undefined],
  ['Notes:alice', undefined],
  ['notes', '../x'],
  ['', 'alice'],
] as const) {
  test(`refused as wrong usage: "${text}" with id ${id}`, (t) => {
    const error = t.throws(() => instanceOf(text, id), { instanceOf: TenementError });
    t.is(error?.exitCode, 2);
  });
}

test('some commands take a service as well', (t) => {
  t.deepEqual(serviceOrInstance('notes', undefined), { service: 'notes' });
  t.deepEqual(serviceOrInstance('notes:alice', undefined), { service: 'notes', id: 'alice' });
});

test('numbers are whole and in their range', (t) => {
  t.is(wholeNumber('0', 'x', 0, 100), 0);
  for (const text of ['', ' ', '-1', '101', '1.5', '1e1', 'ten', '0x10']) {
    t.throws(() => wholeNumber(text, 'x', 0, 100), { instanceOf: TenementError }, text);
  }
});
