import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { failure } from '../../../src/cli/fail.js';

test('three lines: what happened, because of what, what to try', (t) => {
  const error = new TenementError('start_failed', 'notes:alice could not be started', {
    hint: 'look at the logs',
    cause: new Error('spawn ENOENT'),
  });
  t.deepEqual(failure(error), {
    text: 'error: notes:alice could not be started\nbecause: spawn ENOENT\ntry: look at the logs',
    exitCode: 1,
  });
});

test('a cause that the message tells already is not told twice', (t) => {
  const { text } = failure(new TenementError('internal', 'it broke: EIO', { cause: new Error('EIO') }));
  t.false(text.includes('because:'));
  t.false(failure(new Error('a bug')).text.includes('because:'));
});

test('the exit code is the one of the error table', (t) => {
  t.is(failure(new TenementError('usage')).exitCode, 2);
  t.is(failure(new TenementError('invalid')).exitCode, 2);
  t.is(failure(new TenementError('no_server')).exitCode, 1);
  t.is(failure('thrown text').exitCode, 1);
});

test('refused on every address of a host: each is named', (t) => {
  const cause = new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')], '');
  const { text } = failure(new TenementError('no_server', 'No server', { cause }));
  t.true(text.includes('because: ::1 refused; 127.0.0.1 refused'));
});
