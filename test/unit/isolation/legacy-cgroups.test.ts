import test from 'ava';
import { legacyDirectories } from '../../../isolation/legacy-cgroups.js';

const MOUNTINFO = [
  '30 25 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  '31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
  '32 25 0:28 /docker/x /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids',
  '33 25 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
].join('\n');
const CGROUPS = [
  '9:name=systemd:/x',
  '8:pids:/docker/x/app',
  '4:memory:/a/b',
  '1:cpu,cpuacct:/',
  '0::/',
].join('\n');

test('our own group in each hierarchy, also where several controllers share one or a part of it is mounted', (t) => {
  t.deepEqual(legacyDirectories(MOUNTINFO, CGROUPS), {
    memory: '/sys/fs/cgroup/memory/a/b',
    cpu: '/sys/fs/cgroup/cpu,cpuacct',
    pids: '/sys/fs/cgroup/pids/app',
  });
});

test('a group outside of what is mounted cannot be reached', (t) => {
  t.deepEqual(legacyDirectories(MOUNTINFO, '8:pids:/elsewhere'), {});
  t.deepEqual(legacyDirectories('', CGROUPS), {});
});
