import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { unknownProperties } from '../../../systemd/known-properties.js';
import type { Property } from '../../../systemd/manager.js';

const OPTIONAL: readonly Property[] = [
  ['ProtectProc', 's', 'invisible'],
  ['PrivateIPC', 'b', true],
  ['ProtectClock', 'b', true],
];

/** A systemd that knows only some of them. */
function older(known: readonly string[]) {
  const asked: string[][] = [];
  return {
    asked,
    async startTransient(_unit: string, properties: readonly Property[]) {
      const names = properties.map(([name]) => name).filter((name) => OPTIONAL.some(([one]) => one === name));
      asked.push(names);
      const unknown = names.find((name) => !known.includes(name));
      if (unknown === undefined) return;
      const message = `systemd refuses StartTransientUnit: Cannot set property ${unknown}, or unknown property.`;
      throw new TenementError('systemd_failed', message);
    },
  };
}

test('one question where all are known', async (t) => {
  const manager = older(['ProtectProc', 'PrivateIPC', 'ProtectClock']);
  t.deepEqual(await unknownProperties(manager, OPTIONAL, 'x.service'), []);
  t.is(manager.asked.length, 1);
});

test('those that are not known are named, with one question more for each', async (t) => {
  const manager = older(['PrivateIPC']);
  t.deepEqual(await unknownProperties(manager, OPTIONAL, 'x.service'), ['ProtectProc', 'ProtectClock']);
  t.is(manager.asked.length, 3);
});

test('another refusal is no answer', async (t) => {
  const error = new TenementError('systemd_failed', 'systemd refuses StartTransientUnit: Access denied');
  const manager = { startTransient: () => Promise.reject(error) };
  t.is(await t.throwsAsync(unknownProperties(manager, OPTIONAL, 'x.service')), error);
});

test('a property that was not among them cannot be left out', async (t) => {
  const message = 'systemd refuses StartTransientUnit: Cannot set property Type, or unknown property.';
  const manager = { startTransient: () => Promise.reject(new TenementError('systemd_failed', message)) };
  await t.throwsAsync(unknownProperties(manager, OPTIONAL, 'x.service'), { message });
});
