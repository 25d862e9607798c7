import test from 'ava';
import type { LogEntryMessage } from '../../../src/api/protocol.js';
import { LastSeen } from '../../../src/cli/follow-logs.js';

function entry(timestamp: string, message: string): LogEntryMessage {
  return { timestamp, level: 'stdout', process: 'notes', instance_id: 'alice', message };
}

test('after a broken connection nothing is printed twice and nothing is lost', (t) => {
  const seen = new LastSeen();
  for (const one of [entry('1', 'a'), entry('2', 'b'), entry('2', 'b'), entry('2', 'c')])
    t.true(seen.isNew(one));
  t.is(seen.at, '2');
  seen.resume();
  const again = [
    entry('2', 'b'),
    entry('2', 'b'),
    entry('2', 'c'),
    entry('2', 'b'),
    entry('2', 'd'),
    entry('3', 'b'),
  ];
  t.deepEqual(
    again.map((one) => seen.isNew(one)),
    [false, false, false, true, true, true],
  );
});

test('without a break the same line may come as often as the app writes it', (t) => {
  const seen = new LastSeen();
  t.true(seen.isNew(entry('1', 'a')));
  t.true(seen.isNew(entry('1', 'a')));
});
