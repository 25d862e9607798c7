import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { endRun, findRun, groupPath, probeHost } from '../../../isolation/index.js';

test('a run that only left its cgroup is ended with all in it, and its group is removed', async (t) => {
  const host = await probeHost();
  const cgroup = groupPath(host, `leftovers-${process.pid}`);
  if (cgroup === undefined) {
    t.log('skipped: this machine has no cgroup v2 in which groups can be made');
    t.pass();
    return;
  }
  mkdirSync(cgroup, { recursive: true });
  // It has neither the marker nor a parent that has it, and does not heed TERM.
  const stray = spawn('/bin/sh', ['-c', 'trap "" TERM; echo up; exec sleep 300'], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  t.teardown(() => {
    stray.kill('SIGKILL');
    if (existsSync(cgroup)) rmdirSync(cgroup);
  });
  const exited = once(stray, 'exit');
  await once(stray.stdout, 'data');
  writeFileSync(join(cgroup, 'cgroup.procs'), String(stray.pid));
  const trace = { run: 'of-no-process', cgroup };
  t.true((await findRun(trace, host)).includes(stray.pid ?? 0));
  t.deepEqual(await endRun(trace, host, 100), []);
  t.deepEqual(await exited, [null, 'SIGKILL']);
  t.false(existsSync(cgroup));
});
