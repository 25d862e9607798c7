import test from 'ava';
import { mayRetry, type RetryFacts } from '../../../src/proxy/retry.js';

const facts: RetryFacts = {
  method: 'GET',
  phase: 'sent',
  broke: true,
  replayable: true,
  refused: 0,
  resent: 0,
};
const may = (more: Partial<RetryFacts>) => mayRetry({ ...facts, ...more });

test('a written GET goes out once more, and no further', (t) => {
  t.true(may({}));
  t.false(may({ resent: 1 }));
  t.true(may({ method: 'DELETE' }));
});

test('a written POST never goes out again', (t) => {
  for (const method of ['POST', 'PATCH', 'LOCK']) t.false(may({ method }));
});

test('what was not written goes out again: a POST once, a GET three times', (t) => {
  t.true(may({ method: 'POST', phase: 'connecting' }));
  t.false(may({ method: 'POST', phase: 'connecting', refused: 1 }));
  t.true(may({ phase: 'connecting', refused: 2 }));
  t.false(may({ phase: 'connecting', refused: 3 }));
});

test('nothing goes out again after an answer began, after a timeout, or with half a body', (t) => {
  t.false(may({ phase: 'answered' }));
  t.false(may({ broke: false }));
  t.false(may({ replayable: false }));
});
