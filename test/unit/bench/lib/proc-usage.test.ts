import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { cpuSeconds, parseStat, processTree, residentMb } from '../../../bench/lib/proc-usage.js';

test('a name with spaces and parentheses does not shift the fields of /proc/PID/stat', (t) => {
  const rest = 'S 7 1 1 0 -1 4194560 1 2 3 4 150 50 25 75 20 0 1 0 100 1000 10';
  t.deepEqual(parseStat(`42 (a) b (c)) ${rest}`), { pid: 42, ppid: 7, cpuSeconds: 3 });
});

const linux = process.platform === 'linux' ? test : test.skip;
if (process.platform !== 'linux') console.log('skipped: only Linux has /proc');

linux('a tree has the children of a process, but not the trees that are left out', async (t) => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log(1)'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const pids = (except?: ReadonlySet<number>) => processTree(process.pid, except).map((stat) => stat.pid);
  t.true(pids().includes(process.pid));
  t.true(pids().includes(pid));
  t.false(pids(new Set([pid])).includes(pid));
  t.true(residentMb(process.pid) > residentMb(process.pid, new Set([pid])));
});

linux('processor time of a child that has ended stays in the sum', async (t) => {
  const before = cpuSeconds(process.pid);
  const work = 'const end = process.cpuUsage().user + 2e5; while (process.cpuUsage().user < end);';
  const child = spawn(process.execPath, ['-e', work], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'exit');
  t.true(cpuSeconds(process.pid) - before >= 0.15);
});
