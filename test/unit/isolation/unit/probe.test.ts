import test from 'ava';
import { unifiedMount } from '../../../../isolation/unit/probe.js';

const line = (root: string, place: string, type: string): string =>
  `30 25 0:26 ${root} ${place} rw,nosuid shared:4 - ${type} ${type} rw`;

test('cgroup v2 alone, beside v1, and nowhere', (t) => {
  t.is(unifiedMount(line('/', '/sys/fs/cgroup', 'cgroup2')), '/sys/fs/cgroup');
  const both = [line('/', '/sys/fs/cgroup/memory', 'cgroup'), line('/', '/sys/fs/cgroup/unified', 'cgroup2')];
  t.is(unifiedMount(both.join('\n')), '/sys/fs/cgroup/unified');
  t.is(unifiedMount(line('/', '/sys/fs/cgroup', 'cgroup')), undefined);
  t.is(unifiedMount(''), undefined);
});

test('a part of the tree is not the tree', (t) => {
  t.is(unifiedMount(line('/system.slice', '/mnt/part', 'cgroup2')), undefined);
});
