import test from 'ava';
import { changedSince, digestsOf } from '../../../src/supervisor/started-with.js';
import { configOf } from '../../helpers/config-file.js';

const NOTES = '[service.notes]\ncommand = "app"\nisolation = "process"\n';

function notes(t: Parameters<typeof configOf>[0], lines = '', env = 'A = "1"\nB = "2"\n') {
  const service = configOf(t, `${NOTES}workdir = "/"\n${lines}\n[service.notes.env]\n${env}`).service.notes;
  if (service === undefined) throw new Error('no service');
  return service;
}

test('every setting that reaches the process is told, set, changed or taken away, and no other', (t) => {
  const before = notes(t, 'memory_limit_mb = 64\nidle_timeout = 5');
  const digests = digestsOf(before);
  t.deepEqual(changedSince(digests, before), []);
  t.deepEqual(changedSince(digests, notes(t, 'memory_limit_mb = 64\nidle_timeout = 6')), []);
  t.deepEqual(changedSince(digests, notes(t, 'memory_limit_mb = 65')), ['memory_limit_mb']);
  t.deepEqual(changedSince(digests, notes(t)), ['memory_limit_mb']);
  t.deepEqual(changedSince(digests, notes(t, 'memory_limit_mb = 64\npids_limit = 9')), ['pids_limit']);
  t.deepEqual(changedSince(digests, notes(t, 'memory_limit_mb = 64\nlisten = "unix"')), ['listen']);
});

test('the order of variables says nothing, their values do', (t) => {
  const digests = digestsOf(notes(t));
  t.deepEqual(changedSince(digests, notes(t, '', 'B = "2"\nA = "1"\n')), []);
  t.deepEqual(changedSince(digests, notes(t, '', 'A = "2"\nB = "1"\n')), ['env']);
});

test('what is saved holds no value', (t) => {
  const text = JSON.stringify(digestsOf(notes(t, '', 'PASSWORD = "correct horse"\n')));
  t.notRegex(text, /correct horse|PASSWORD/);
});

test('a setting that an earlier version did not have says nothing', (t) => {
  const { sandbox: _, ...digests } = digestsOf(notes(t));
  t.deepEqual(changedSince(digests, notes(t, 'sandbox = "nsjail"')), []);
});
