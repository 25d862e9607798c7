import test from 'ava';
import { toLogFilter } from '../../../src/api/log-filter.js';

const NOW = Date.parse('2026-01-02T00:00:00Z');

test('the words of a query become a filter', (t) => {
  t.deepEqual(toLogFilter({}, undefined, NOW), {});
  t.deepEqual(toLogFilter({ id: 'notes:alice', process: 'notes', stream: 'stderr' }, undefined, NOW), {
    service: 'notes',
    id: 'alice',
    stream: 'stderr',
  });
  t.deepEqual(toLogFilter({ id: 'alice', since: '1h' }, undefined, NOW), {
    id: 'alice',
    since: NOW - 3600_000,
  });
  t.deepEqual(toLogFilter({ since: '2026-01-01T00:00:00+01:00' }, undefined, NOW), {
    since: NOW - 25 * 3600_000,
  });
});

test('two words that differ are an error, not a guess', (t) => {
  t.throws(() => toLogFilter({ service: 'a', process: 'b' }, undefined, NOW), { code: 'invalid' });
  t.throws(() => toLogFilter({ service: 'a', id: 'b:x' }, undefined, NOW), { code: 'invalid' });
  t.throws(() => toLogFilter({ level: 'stdout', stream: 'stderr' }, undefined, NOW), { code: 'invalid' });
  t.throws(() => toLogFilter({ id: '../x' }, undefined, NOW), { code: 'invalid' });
});

test('a tenant gets its own id whatever it asks for', (t) => {
  t.deepEqual(toLogFilter({}, 'alice', NOW), { id: 'alice' });
  t.deepEqual(toLogFilter({ service: 'notes' }, 'alice', NOW), { service: 'notes', id: 'alice' });
  t.throws(() => toLogFilter({ id: 'notes:bob' }, 'alice', NOW), { code: 'forbidden' });
});
