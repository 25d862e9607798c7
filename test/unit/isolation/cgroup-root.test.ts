import test from 'ava';
import { ownGroupDirectory } from '../../../isolation/cgroup-root.js';

const pure = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const hybrid = [
  '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755',
  '36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
  '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
].join('\n');

test('a machine with v2 alone: our own cgroup below the mount', (t) => {
  t.is(
    ownGroupDirectory(pure, '0::/system.slice/tenement.service\n'),
    '/sys/fs/cgroup/system.slice/tenement.service',
  );
});

test('a hybrid machine: the unified mount', (t) => {
  t.is(ownGroupDirectory(hybrid, '4:memory:/x\n0::/\n'), '/sys/fs/cgroup/unified');
});

test('a mount that shows only a part: the path below that part', (t) => {
  const part = '30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw';
  t.is(ownGroupDirectory(part, '0::/docker/abc/x'), '/sys/fs/cgroup/x');
  t.is(ownGroupDirectory(part, '0::/docker/abcd'), undefined);
});

test('spaces in a mount point are unescaped', (t) => {
  t.is(ownGroupDirectory('1 2 0:1 / /mnt/a\\040b rw - cgroup2 c rw', '0::/x'), '/mnt/a b/x');
});

test('nothing without v2, outside the cgroup namespace, or without input', (t) => {
  t.is(ownGroupDirectory('36 31 0:33 / /m rw - cgroup cgroup rw,memory', '4:memory:/\n0::/'), undefined);
  t.is(ownGroupDirectory(pure, '4:memory:/'), undefined);
  t.is(ownGroupDirectory(pure, '0::/../../x'), undefined);
  t.is(ownGroupDirectory('', ''), undefined);
});
