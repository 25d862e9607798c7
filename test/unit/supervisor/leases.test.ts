import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { Leases } from '../../../src/supervisor/leases.js';
import { FakeClock } from '../../helpers/fake-clock.js';

test('counts what is open; a second release of the same changes nothing', (t) => {
  let empty = 0;
  const leases = new Leases(new FakeClock(), () => {
    empty += 1;
  });
  const [a, b] = [leases.take(), leases.take()];
  t.is(leases.count, 2);
  t.true(a.release());
  t.false(a.release());
  t.is(leases.count, 1);
  t.is(empty, 0);
  t.true(b.release());
  t.is(leases.count, 0);
  t.is(empty, 1, 'told once, when the last has ended');
});

test('idle: from the end of the last, 0 while one is open, from the touch after a slow start', (t) => {
  const clock = new FakeClock();
  const leases = new Leases(clock, () => {});
  clock.advance(50);
  t.is(leases.idleMs, 50);
  leases.touch();
  t.is(leases.idleMs, 0);
  const lease = leases.take();
  clock.advance(100);
  t.is(leases.idleMs, 0);
  lease.release();
  clock.advance(7);
  t.is(leases.idleMs, 7);
});

test('close tells all that is open why it must end', (t) => {
  const leases = new Leases(new FakeClock(), () => {});
  const [a, b] = [leases.take(), leases.take()];
  const why = new TenementError('shutting_down');
  leases.close(why);
  t.is(a.closing.reason, why);
  t.is(b.closing.reason, why);
  t.is(leases.count, 2, 'they count until they have ended');
});
