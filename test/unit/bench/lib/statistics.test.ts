import test from 'ava';
import { median, pairedRatios, quantile, spread } from '../../../bench/lib/statistics.js';

test('a quantile is a value that was measured', (t) => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  t.is(quantile(values, 0.5), 100);
  t.is(quantile(values, 0.99), 198);
  t.is(quantile(values, 1), 200);
  t.is(quantile([7], 0.99), 7);
  t.true(Number.isNaN(quantile([], 0.5)));
});

test('the median of an even number of values is between the two in the middle', (t) => {
  t.is(median([4, 1, 3]), 3);
  t.is(median([4, 1, 3, 2]), 2.5);
  t.deepEqual(spread([3, 1, 2]), { min: 1, median: 2, max: 3, rounds: 3 });
});

test('ratios pair values of one round; a round that one side lacks is left out', (t) => {
  const a = new Map([
    [0, 10],
    [1, 30],
    [2, 5],
  ]);
  const b = new Map([
    [1, 10],
    [0, 20],
  ]);
  t.deepEqual(pairedRatios(a, b), [0.5, 3]);
});
