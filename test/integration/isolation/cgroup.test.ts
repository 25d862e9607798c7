import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  createGroup,
  freezeAndKill,
  groupPath,
  groupProcesses,
  isPopulated,
  killGroup,
  removeGroup,
} from '../../../isolation/cgroup.js';
import { probeHost } from '../../../isolation/host.js';
import { until } from '../../helpers/until.js';

const host = await probeHost();

/** A group with a process in it and one in a group below, as an app may make them. */
async function populated(
  t: ExecutionContext,
): Promise<{ directory: string; children: ChildProcess[] } | undefined> {
  const directory = groupPath(host, `test-${process.pid}-${t.title.replaceAll(/\W/g, '')}`);
  if (directory === undefined) {
    t.log('skipped: no cgroup v2 directory is writable here');
    t.pass();
    return undefined;
  }
  await createGroup(directory);
  mkdirSync(join(directory, 'below'));
  const children = [directory, join(directory, 'below')].map((group) => {
    const child = spawn('/bin/sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'ignore' });
    writeFileSync(join(group, 'cgroup.procs'), String(child.pid));
    return child;
  });
  t.teardown(async () => {
    for (const child of children) child.kill('SIGKILL');
    await until('the group is empty', async () => {
      await killGroup(directory);
      return !(await isPopulated(directory));
    });
    await removeGroup(directory);
  });
  return { directory, children };
}

for (const [name, kill] of Object.entries({ killGroup, freezeAndKill })) {
  test(`${name} reaches what is in the group and below; then the group can be removed`, async (t) => {
    const group = await populated(t);
    if (group === undefined) return;
    const pids = await groupProcesses(group.directory);
    for (const child of group.children) t.true(pids.includes(child.pid ?? 0));
    t.true(await isPopulated(group.directory));
    await kill(group.directory);
    await until('the group is empty', async () => !(await isPopulated(group.directory)));
    await removeGroup(group.directory);
    t.false(existsSync(group.directory));
  });
}

test('a group that does not exist is an empty one', async (t) => {
  t.deepEqual(await groupProcesses('/no/such/group'), []);
  t.false(await isPopulated('/no/such/group'));
  await t.notThrowsAsync(removeGroup('/no/such/group'));
});
