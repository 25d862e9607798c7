import test from 'ava';
import { controllers } from '../../../../src/cli/doctor/machine.js';

const v1 = (...names: string[]) => Object.fromEntries(names.map((name) => [name, `/sys/fs/cgroup/${name}`]));

test('controllers of either cgroup version do, and what is in neither is named', (t) => {
  const both = controllers({ controllers: ['cpu', 'pids'], legacyCgroups: v1('memory') });
  t.is(both.status, 'ok');
  t.is(both.found, 'cpu pids memory (of cgroup v1)');
  t.is(controllers({ controllers: [], legacyCgroups: v1('memory', 'cpu', 'pids') }).status, 'ok');
  t.is(controllers({ controllers: ['memory', 'cpu', 'pids'] }).found, 'memory cpu pids');
  const none = controllers({ controllers: ['memory'], legacyCgroups: v1('cpu', 'freezer') });
  t.is(none.status, 'warn');
  t.regex(none.found, /not available: pids; limits on them cannot be set/);
});
