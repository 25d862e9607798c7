import test from 'ava';
import { DurationHistogram } from '../../../src/api/duration-histogram.js';

test('counts of finer steps are shown in coarser ones, added up, and go when they are removed', (t) => {
  const histogram = new DurationHistogram('d', 'help', [0.1, 1], [0.05, 0.1, 0.5, 1, 5]);
  histogram.add('a="x"', [1, 2, 4, 8, 16, 32], 3);
  histogram.add('a="x"', [0, 0, 0, 0, 0, 1], 9);
  histogram.add('a="y"', [1, 0, 0, 0, 0, 0], 0.01);
  const text = histogram.render();
  t.deepEqual(text.split('\n').slice(0, 7), [
    '# HELP d help',
    '# TYPE d histogram',
    'd_bucket{le="0.1",a="x"} 3',
    'd_bucket{le="1",a="x"} 15',
    'd_bucket{le="+Inf",a="x"} 64',
    'd_sum{a="x"} 12',
    'd_count{a="x"} 64',
  ]);
  histogram.remove('a="x"');
  t.false(histogram.render().includes('a="x"'));
  t.true(histogram.render().includes('d_count{a="y"} 1'));
});
