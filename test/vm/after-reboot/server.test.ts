import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { MachineServer } from '../../helpers/machine-server.js';
import { until } from '../../helpers/until.js';

test('after a restart of the machine an instance comes back without a request, in its cgroup, and is nobody else', async (t) => {
  const server = new MachineServer('/data/restarted', 'tenement-restarted');
  const starts = (): string[] =>
    readFileSync('/data/restarted/tenement-data/app/alice/starts', 'utf8').trim().split('\n');
  t.is(starts().length, 1, 'it was started once before');
  await server.start();
  t.teardown(() => server.stop());
  await until('it is started again', () => starts().length === 2);
  t.is((await server.get('alice.app.localhost', '/health')).status, 200);
  const pid = Number((await server.get('alice.app.localhost', '/pid')).text);
  const group = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().slice('0::'.length);
  t.regex(group, /^\/system\.slice\/tenement-restarted\.service\/tenement\/.*alice/);
  t.is(readFileSync(`/sys/fs/cgroup${group}/memory.max`, 'utf8').trim(), String(200 << 20));
  await server.stop();
  t.false(existsSync(`/proc/${pid}/exe`));
});
