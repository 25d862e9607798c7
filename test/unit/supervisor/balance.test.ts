import test from 'ava';
import { type Candidate, choose } from '../../../src/supervisor/balance.js';

const one = (id: string, weight: number, condition: Candidate['condition'] = 'ready'): Candidate => ({
  id,
  weight,
  condition,
});
/** How often each is chosen when `random` goes evenly through [0, 1). */
function shares(candidates: Candidate[], draws = 1000): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < draws; i += 1) {
    const id = choose(candidates, i / draws)?.id ?? 'none';
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

test('by weight', (t) => {
  t.deepEqual(shares([one('a', 75), one('b', 25)]), { a: 750, b: 250 });
});

test('weight 0 takes nothing, also when it is the only one', (t) => {
  t.deepEqual(shares([one('a', 0), one('b', 1)]), { b: 1000 });
  t.is(choose([one('a', 0)], 0.5), undefined);
  t.is(choose([], 0), undefined);
});

test('ready before waking before asleep before those that refuse', (t) => {
  const all = [one('r', 1, 'refused'), one('s', 1, 'asleep'), one('w', 1, 'waking'), one('a', 1, 'ready')];
  for (const id of ['a', 'w', 's', 'r']) {
    t.is(choose(all, 0.99)?.id, id);
    all.pop();
  }
});

test('a dead one is passed although it has nearly all the weight', (t) => {
  t.deepEqual(shares([one('dead', 100, 'refused'), one('b', 1)]), { b: 1000 });
});

test('the very end of the range still chooses', (t) => {
  t.is(choose([one('a', 33), one('b', 67)], 1 - Number.EPSILON / 2)?.id, 'b');
});
