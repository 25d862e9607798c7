import test from 'ava';
import { eachAtOnce } from '../../../src/base/at-once.js';
import { until } from '../../helpers/until.js';

test('each once, in order, never more than that many at once, and done when the last is', async (t) => {
  const begun: number[] = [];
  const open: (() => void)[] = [];
  let done = false;
  const items = Array.from({ length: 10 }, (_, i) => i);
  const all = eachAtOnce(items, 3, (item) => {
    begun.push(item);
    return new Promise((resolve) => open.push(resolve));
  }).then(() => {
    done = true;
  });
  for (let finished = 0; finished < items.length; finished += 1) {
    t.is(begun.length, Math.min(items.length, finished + 3));
    t.false(done);
    const count = begun.length;
    open.shift()?.();
    if (count < items.length) await until('the next one is begun', () => begun.length > count);
  }
  await all;
  t.deepEqual(begun, items);
});

test('a failure is told, and nothing more is begun', async (t) => {
  const begun: number[] = [];
  const failing = eachAtOnce([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    await Promise.resolve();
    if (item === 2) throw new Error('two');
  });
  await t.throwsAsync(failing, { message: 'two' });
  t.false(begun.includes(4));
});

test('nothing to do', async (t) => {
  await t.notThrowsAsync(eachAtOnce([], 4, async () => t.fail()));
});
