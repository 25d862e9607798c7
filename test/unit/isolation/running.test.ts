import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import {
  groupsToJoin,
  lookAt,
  parseEnvironment,
  parseLimits,
  parseStatus,
} from '../../../isolation/running.js';

test('an environment: what is no variable is left out', (t) => {
  t.deepEqual(parseEnvironment('A=1\0B=x=y\0=z\0no\0BAD-NAME=1\0C=\0'), { A: '1', B: 'x=y', C: '' });
  t.deepEqual(parseEnvironment('gunicorn: worker\0'), {});
});

test('status and limits, in the units of a shell', (t) => {
  const status =
    'Name:\tx\nUmask:\t0027\nUid:\t7\t8\t8\t8\nGid:\t9\t9\t9\t9\nSeccomp:\t2\nSeccomp_filters:\t1\n';
  t.deepEqual(parseStatus(status), { uid: 7, gid: 9, filtered: true, umask: '0027' });
  t.false(parseStatus('Seccomp:\t0\n').filtered);
  const limits = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max file size             1024                 unlimited            bytes     ',
    'Max core file size        0                    unlimited            bytes     ',
    'Max open files            1024                 4096                 files     ',
  ].join('\n');
  t.deepEqual(parseLimits(limits), [
    { option: 'n', soft: '1024', hard: '4096' },
    { option: 'c', soft: '0', hard: 'unlimited' },
    { option: 'f', soft: '2', hard: 'unlimited' },
  ]);
});

const MOUNTS = `30 20 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
31 20 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
32 20 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct`;

test('its groups are joined in every hierarchy where they are not ours', (t) => {
  const its = '2:memory:/tenement/a\n1:cpu,cpuacct:/\n0::/tenement/a\n';
  t.deepEqual(groupsToJoin(MOUNTS, its, '2:memory:/\n1:cpu,cpuacct:/\n0::/session\n'), [
    '/sys/fs/cgroup/unified/tenement/a/cgroup.procs',
    '/sys/fs/cgroup/memory/tenement/a/cgroup.procs',
  ]);
  t.deepEqual(groupsToJoin(MOUNTS, its, its), []);
});

test('a living process is looked at, an ended one is not', async (t) => {
  const child = spawn('/bin/sleep', ['1000'], { cwd: '/', env: { A: '1', TENEMENT_INSTANCE: 'x' } });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const running = await lookAt(child.pid ?? 0);
  t.like(running, {
    pid: child.pid,
    directory: '/',
    env: { A: '1' },
    uid: process.geteuid?.(),
    namespaces: [],
  });
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  t.is(await lookAt(child.pid ?? 0), undefined);
});
